"""Stores to fields made visible as calls, for those who move states at calls."""

from __future__ import annotations

from dataclasses import replace

from analyzer.ir.program import Key, Program
from analyzer.ir.types import Assign, Block, Call, Expr, Field, Function, Index, Instr, Name

STORE = "="


def with_stores(program: Program, fields: frozenset[str]) -> Program:
    """The program with a call of ``=`` in front of each store to one of some fields, or to a local that becomes it."""
    made: dict[Key, Function | None] = {}

    def lower(key: Key) -> Function | None:
        if key not in made:
            function = program.lower(key)
            made[key] = _marked(function, fields) if function is not None else None
        return made[key]

    return replace(program, lower=lower)


def _marked(function: Function, fields: frozenset[str]) -> Function:
    blocks = []
    for block in function.blocks:
        instrs: list[Instr] = []
        for instr in block.instrs:
            if isinstance(instr, Assign) and _stored(instr.target, fields):
                at = (instr.line, instr.column, instr.frames)
                instrs.append(Call(at, STORE, (instr.target, instr.value), None))
            instrs.append(instr)
        blocks.append(Block(instrs, block.successors))
    return replace(function, blocks=tuple(blocks))


def _stored(target: Expr, fields: frozenset[str]) -> bool:
    inner = target
    while isinstance(inner, Index):
        inner = inner.base
    return (isinstance(inner, Field) and inner.name in fields) or (inner is not target and isinstance(inner, Name))
