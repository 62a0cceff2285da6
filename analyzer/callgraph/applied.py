"""Which calls came out of a macro that calls its own parameter (``tdh_do_no_vcpus(tdh_mem_track, ...)``).

The callee of such a call is an argument, so the call stands where the argument is written and carries no frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from analyzer.ir.program import Key, Program
from analyzer.ir.types import Call, Frame, Function, Instr


class _Use(NamedTuple):
    line: int
    column: int
    macro: Key


def applied_arguments(program: Program, function: Function) -> Mapping[int, tuple[Frame, ...]]:
    """id(call) -> the frame of the macro that calls its argument there."""
    found: dict[int, tuple[Frame, ...]] = {}
    for block in function.blocks:
        for index, instr in enumerate(block.instrs):
            if not isinstance(instr, Call) or instr.frames or not instr.callee:
                continue
            for near in block.instrs[max(index - 1, 0) : index + 2]:
                frame = _frame(program, instr, near)
                if frame is not None:
                    found[id(instr)] = (frame,)
    return found


def _frame(program: Program, call: Call, near: Instr) -> Frame | None:
    """The macro whose expansion has both, if it calls the parameter that the callee is the argument of."""
    if len(near.frames) != 1:
        return None
    use = _Use(near.line, near.column, (near.frames[0].path, near.frames[0].macro))
    positions = _called_parameters(program, use.macro)
    if not positions or (call.line, call.column) <= (use.line, use.column):
        return None
    first = call.line == use.line and call.column == use.column + len(use.macro[1]) + 1
    if first is not (0 in positions) and len(positions) == 1:
        return None
    definition = program.definitions[use.macro]
    return Frame(use.macro[1], use.macro[0], definition.line)


def _called_parameters(program: Program, macro: Key) -> frozenset[int]:
    """The parameters that a macro calls."""
    definition = program.definitions.get(macro)
    made = program.lower(macro) if definition is not None and definition.kind == "macro" else None
    if made is None:
        return frozenset()
    places = {p.name: i for i, p in enumerate(made.params)}
    return frozenset(places[c.callee] for c in made.calls() if c.callee in places)
