"""Definitions: which values a variable can have at an instruction, along all paths back to where it was set."""

from __future__ import annotations

from analyzer.ir.cfg import predecessors
from analyzer.ir.types import Assign, Call, Expr, Function, Instr, Name


def reaching(function: Function, at: Instr, name: str) -> list[Assign | Call | None]:
    """What set a variable last before an instruction, on each path; None where it is as on entry."""
    home, index = next((n, i) for n, b in enumerate(function.blocks) for i, x in enumerate(b.instrs) if x is at)
    back = predecessors(function)
    found: list[Assign | Call | None] = []
    seen: set[int] = set()
    work = [(home, index)]
    while work:
        block, end = work.pop()
        setter = next((i for i in reversed(function.blocks[block].instrs[:end]) if _sets(i, name)), None)
        if setter is not None:
            if setter not in found and isinstance(setter, Assign | Call):
                found.append(setter)
            continue
        if not block and None not in found:
            found.append(None)
        for before in back[block]:
            if before not in seen:
                seen.add(before)
                work.append((before, len(function.blocks[before].instrs)))
    return found


def _sets(instr: Instr, name: str) -> bool:
    target: Expr | None = None
    if isinstance(instr, Assign):
        target = instr.target
    elif isinstance(instr, Call):
        target = instr.result
    return isinstance(target, Name) and target.id == name
