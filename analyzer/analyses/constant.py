"""Small functions that always give the same: no operation, a stub."""

from __future__ import annotations

from analyzer.analyses.tokens import Flow
from analyzer.ir.program import Definition
from analyzer.ir.types import Hole

MAX_LINES = 8


def is_small(found: Definition) -> bool:
    """Whether a function is worth a look: what a far header has may be meant for another configuration."""
    own = found.kind == "function" and not found.weak and not found.path.startswith("include/")
    return own and "/include/" not in found.path and found.end_line - found.line < MAX_LINES


def is_constant(flow: Flow) -> bool:
    """Whether all that a solved function returns are numbers and enumerators that are written in it."""
    holes = any(isinstance(i, Hole) for b in flow.function.blocks for i in b.instrs)
    return not holes and all(t.name[0] not in "@?" for t in flow.results)
