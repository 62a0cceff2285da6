"""Plugins of the whole test run."""

from __future__ import annotations

pytest_plugins = ("tests.no_network",)
