"""What a value in a function depends on: forward closures over its stores and calls, without regard to order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from analyzer.ir.cfg import beyond, successors
from analyzer.ir.types import (
    Assign,
    Assume,
    Binary,
    Call,
    Const,
    Deref,
    Expr,
    Field,
    Function,
    Index,
    Instr,
    Name,
    Unary,
    parts,
)


def texts(*exprs: Expr) -> frozenset[str]:
    """The places that expressions read: variables and fields."""
    return _read(exprs[0]) if len(exprs) == 1 else frozenset().union(*map(_read, exprs))


@cache
def _read(expr: Expr) -> frozenset[str]:
    return frozenset(p.text for p in parts(expr) if isinstance(p, Name | Field | Deref | Index))


def _root(expr: Expr) -> Expr:
    """The object a store changes: a field of a local struct is the struct."""
    while isinstance(expr, Field | Index) and not isinstance(expr.base, Deref):
        expr = expr.base
    return expr


def _flows(function: Function) -> Iterator[tuple[Expr, frozenset[str], Instr]]:
    """(what is written, what it is made of, where)."""
    for block in function.blocks:
        for instr in block.instrs:
            if isinstance(instr, Assign):
                yield _root(instr.target), texts(instr.value), instr
            elif isinstance(instr, Call) and instr.result is not None:
                yield _root(instr.result), texts(*instr.args), instr


def depending(function: Function, seeds: Iterable[str], opaque: frozenset[str] = frozenset()) -> frozenset[str]:
    """The places whose value depends on a seed; results of ``opaque`` callees depend on nothing.

    A variable that gets different values on the sides of a test of such a place depends on it as well.
    """
    found = set(seeds)
    flows = [
        (target.text, made)
        for target, made, instr in _flows(function)
        if not (isinstance(instr, Call) and instr.callee in opaque)
    ]
    chosen = _chosen(function)
    grown = True
    while grown:
        grown = False
        for target, made in flows:
            if target not in found and not made.isdisjoint(found):
                found.add(target)
                grown = True
        for target, tested in chosen:
            if target not in found and not tested.isdisjoint(found):
                found.add(target)
                grown = True
    return frozenset(found)


def _chosen(function: Function) -> list[tuple[str, frozenset[str]]]:
    """Variables that get one of several values, with what the branch of each such store was decided by."""
    stores: dict[str, set[str]] = {}
    for block in function.blocks:
        for instr in block.instrs:
            if isinstance(instr, Assign):
                stores.setdefault(instr.target.text, set()).add(instr.value.text)
    found = []
    for block in function.blocks:
        tested = texts(*(i.cond for i in block.instrs if isinstance(i, Assume)))
        for instr in block.instrs:
            if tested and isinstance(instr, Assign) and len(stores[instr.target.text]) > 1:
                found.append((instr.target.text, tested))
    return found


def constant(function: Function, expr: Expr, depth: int = 4) -> bool:
    """Whether an expression is made of literals and enumerators or macros in capitals only."""
    if depth < 0:
        return False
    for part in parts(expr):
        match part:
            case Const() | Binary() | Unary():
                continue
            case Name():
                if part.id.isupper() or _made_of_constants(function, part, depth):
                    continue
                return False
            case _:
                return False
    return True


def _made_of_constants(function: Function, name: Name, depth: int) -> bool:
    if any(p.name == name.id for p in function.params):
        return False
    made: list[tuple[Expr, ...]] = []
    for block in function.blocks:
        for instr in block.instrs:
            if isinstance(instr, Assign) and instr.target is name:
                made.append((instr.value,))
            elif isinstance(instr, Call) and instr.result is name:
                made.append(instr.args)
    return bool(made) and all(constant(function, e, depth - 1) for values in made for e in values)


def carried(function: Function, blocks: frozenset[int]) -> frozenset[str]:
    """The variables that a loop moves on: their next value is made of the last one."""
    inside = {id(i) for b in blocks for i in function.blocks[b].instrs}
    return frozenset(t.text for t, made, instr in _flows(function) if id(instr) in inside and t.text in made)


def tested_in(function: Function, blocks: frozenset[int]) -> frozenset[str]:
    """What the branches of the blocks look at."""
    return texts(*(i.cond for b in blocks for i in function.blocks[b].instrs if isinstance(i, Assume)))


def ordered(function: Function, first: Instr, second: Instr) -> bool:
    """Whether some path leads from one instruction to another."""
    homes: dict[int, tuple[int, int]] = {
        id(x): (i, n) for i, b in enumerate(function.blocks) for n, x in enumerate(b.instrs)
    }
    if id(first) not in homes or id(second) not in homes:
        return False
    (one, at), (other, to) = homes[id(first)], homes[id(second)]
    return (one == other and at < to) or other in beyond(one, successors(function))
