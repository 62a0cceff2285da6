"""Definitions: which values a variable can have at an instruction, along all paths back to where it was set."""

from __future__ import annotations

from analyzer.analyses.copies import argument, constant_params
from analyzer.ir.cfg import predecessors
from analyzer.ir.program import Program
from analyzer.ir.types import Assign, Call, Expr, Function, Instr, Name, Return


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


def handed_back(program: Program, function: Function, value: Expr) -> Expr:
    """A value, or the argument that it is: of a helper all of whose ways return that parameter."""
    call = next((c for c in function.calls() if c.result is value), None)
    helper = next(iter(program.functions(program.resolve(call.callee, function.path))), None) if call else None
    if call is None or helper is None:
        return value
    given = {i.value.text if i.value else "" for b in helper.blocks for i in b.instrs if isinstance(i, Return)}
    place = constant_params(helper).get(min(given), "") if len(given) == 1 else ""
    return (argument(call, int(place[1:])) if place else None) or value
