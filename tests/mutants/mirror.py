"""Violations of the rules about the mirror TDP MMU, and edits there that mean the same."""

from __future__ import annotations

from tests.mutants import mirror_commits, mirror_hooks, mirror_promotions, mirror_roots

_PARTS = (mirror_hooks, mirror_commits, mirror_roots, mirror_promotions)
OPERATORS = tuple(o for part in _PARTS for o in part.OPERATORS)
SAME = tuple(o for part in _PARTS for o in part.SAME)
