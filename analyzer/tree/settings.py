"""Settings from git config (DESIGN D11): ``nak.failOn``, ``nak.rules``, ``nak.trial``."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from analyzer.core.problem import AnalyzerError

_LEVELS = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user's git config says; flags override it."""

    fail_on: str | None = None
    rules: tuple[str, ...] = ()
    trial: bool = False


def settings(folder: Path) -> Settings:
    """Read them with ``git config`` in a folder; none without git. Raises AnalyzerError for a value that is none."""
    command = ["git", "config", "--get-regexp", r"^nak\."]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return Settings()
    found = dict(line.partition(" ")[::2] for line in done.stdout.splitlines())
    level = found.get("nak.failon") or None
    if level is not None and level not in _LEVELS:
        raise AnalyzerError(f"git config nak.failOn is {level}; it may be {', '.join(_LEVELS)}")
    rules = tuple(r for r in found.get("nak.rules", "").replace(",", " ").split() if r)
    return Settings(level, rules, found.get("nak.trial", "false").lower() in ("true", "yes", "on", "1"))
