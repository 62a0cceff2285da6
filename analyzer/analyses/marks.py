"""Instructions that are no calls as events: a program whose functions carry calls that say what happens there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from analyzer.ir.program import Key, Program
from analyzer.ir.types import Block, Call, Expr, Function, Instr, Return

Mark = Callable[[Function, Instr], Call | tuple[Call, Call] | None]


def marker(instr: Instr, name: str, args: tuple[Expr, ...] = (), result: Expr | None = None, shown: str = "") -> Call:
    """A call that stands for what an instruction does, at its place."""
    return Call((instr.line, instr.column, instr.frames), name, args, result, shown=shown)


def marked(program: Program, mark: Mark) -> Program:
    """The program with a call, where ``mark`` makes one, behind each instruction (before one that returns).

    Two calls stand before and behind it.
    """
    made: dict[Key, Function | None] = {}

    def lower(key: Key) -> Function | None:
        if key not in made:
            function = program.lower(key)
            made[key] = None if function is None else _with_marks(function, mark)
        return made[key]

    return replace(program, lower=lower)


def _with_marks(function: Function, mark: Mark) -> Function:
    blocks, changed = [], False
    for block in function.blocks:
        instrs: list[Instr] = []
        for instr in block.instrs:
            call = mark(function, instr)
            if call is None:
                instrs.append(instr)
                continue
            changed = True
            if isinstance(call, tuple):
                instrs += [call[0], instr, call[1]]
                continue
            instrs += [call, instr] if isinstance(instr, Return) else [instr, call]
        blocks.append(Block(instrs, block.successors))
    return replace(function, blocks=tuple(blocks)) if changed else function
