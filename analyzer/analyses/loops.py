"""Loops of iterator macros: made visible where the macro is not, and the places where a loop is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from analyzer.ir.cfg import beyond, home_of, loop_of, predecessors, successors
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Assume, Block, Call, Function, Instr, Name


def visible_loops(program: Program, macros: Mapping[str, tuple[int, str]]) -> Program:
    """The program with loops of macros it does not define turned into calls of what they step by.

    ``macros``: name -> (index of the variable among the arguments, the function that gives the next one).
    """
    unseen = {m: how for m, how in macros.items() if m not in program.by_name}
    if not unseen:
        return program
    made: dict[Key, Function | None] = {}

    def lower(key: Key) -> Function | None:
        if key not in made:
            function = program.lower(key)
            found = program.definitions.get(key)
            mine = function is not None and found is not None and not found.mentions.isdisjoint(unseen)
            made[key] = _rewritten(function, unseen) if mine and function is not None else function
        return made[key]

    return replace(program, lower=lower)


def _rewritten(function: Function, macros: Mapping[str, tuple[int, str]]) -> Function:
    """Each header calls the stepper; its two ways out know whether there was a next one."""
    blocks = [Block(list(b.instrs), list(b.successors)) for b in function.blocks]
    for block in blocks[:]:
        call = block.instrs[-1] if block.instrs else None
        if not isinstance(call, Call) or call.callee not in macros or len(block.successors) != 2:
            continue
        index, stepper = macros[call.callee]
        variable = call.args[index] if index < len(call.args) else None
        if not isinstance(variable, Name):
            continue
        at = (call.line, call.column, call.frames)
        args = (*call.args[:index], variable)
        kept = [i for i in block.instrs[:-1] if getattr(i, "target", None) is not variable]
        block.instrs = [*kept, Call(at, stepper, args, variable, shown=call.shown)]
        for side, successor in enumerate(block.successors):
            blocks.append(Block([Assume(at, variable, side == 0)], [successor]))
            block.successors[side] = len(blocks) - 1
    return replace(function, blocks=tuple(blocks))


def ways_out(function: Function, opening: Instr, live: set[int], end: Instr) -> list[Instr]:
    """Where the loop around an opening is left on the paths that bring what it opened to an end.

    ``live``: the instructions (by id) that meet it open. The end itself stands for them without a loop, and where
    the loop cannot come to it in any other way.
    """
    loop = loop_of(function, opening)
    home = home_of(function, end)
    if not loop or home is None or home in loop:
        return [end]
    back = predecessors(function)
    met = {n for n, b in enumerate(function.blocks) if not b.instrs or id(b.instrs[0]) in live}
    found: list[Instr] = []
    seen, work = {home}, [home]
    while work:
        block = work.pop()
        if any(p in loop for p in back[block]):
            instrs = function.blocks[block].instrs
            found.append(instrs[-1] if instrs else end)
        for other in back[block]:
            if other in met and other not in loop and other not in seen:
                seen.add(other)
                work.append(other)
    leaves = {b for n in loop for b in function.blocks[n].successors if b not in loop and b not in met}
    edges = successors(function)
    shared = any(b == home or home in beyond(b, edges) for b in leaves)
    return found if found and shared else [end]


def entered_loops(program: Program, names: frozenset[str]) -> Program:
    """The program in which each loop that calls one of the names runs: no path is one that found nothing to do."""
    made: dict[Key, Function | None] = {}

    def lower(key: Key) -> Function | None:
        if key not in made:
            function = program.lower(key)
            calls = (
                [c for c in function.calls() if c.callee in names or c.table in names] if function is not None else []
            )
            made[key] = _entered(function, calls) if function is not None and calls else function
        return made[key]

    return replace(program, lower=lower)


def _entered(function: Function, calls: list[Call]) -> Function:
    """Edges into a loop's header from outside lead to a copy of it that does not leave."""
    blocks = [Block(b.instrs, list(b.successors)) for b in function.blocks]
    back = predecessors(function)
    done: set[int] = set()
    for call in calls:
        loop = loop_of(function, call)
        for header in sorted(loop - done):
            outside = [p for p in back[header] if p not in loop]
            inside = [s for s in function.blocks[header].successors if s in loop]
            if not outside or not inside or len(inside) == len(function.blocks[header].successors):
                continue
            done.add(header)
            blocks.append(Block(function.blocks[header].instrs, inside))
            for before in outside:
                blocks[before].successors[:] = [
                    len(blocks) - 1 if s == header else s for s in blocks[before].successors
                ]
    return replace(function, blocks=tuple(blocks))


def leads_to(function: Function, first: Instr, then: Instr) -> bool:
    """Whether a path goes from one instruction to another one in a later block."""
    homes = {id(i): n for n, b in enumerate(function.blocks) for i in b.instrs if i is first or i is then}
    return homes[id(then)] in beyond(homes[id(first)], successors(function))
