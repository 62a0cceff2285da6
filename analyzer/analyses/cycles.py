"""Loops of one function: back edges, the blocks between, and whether a loop ends by counting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from analyzer.ir.cfg import predecessors
from analyzer.ir.types import Assign, Assume, Binary, Call, Deref, Expr, Field, Function, Instr, Name

_STEPS = re.compile(r"(?:^|_)next(?:_|$)|^(?:list|hlist|xa|xas|rb|radix|cpumask|find)_\w*next|^find_next")


@dataclass(frozen=True, slots=True)
class Loop:
    """One back edge ``tail`` -> ``head`` with the blocks of its natural loop."""

    head: int
    tail: int
    blocks: frozenset[int]


def loops_of(function: Function) -> Iterator[Loop]:
    """All natural loops, one for each back edge."""
    preds = predecessors(function)
    for tail, head in _back_edges(function):
        body, work = {head, tail}, [tail] if tail != head else []
        while work:
            for before in preds[work.pop()]:
                if before not in body:
                    body.add(before)
                    work.append(before)
        yield Loop(head, tail, frozenset(body))


def _back_edges(function: Function) -> list[tuple[int, int]]:
    """Edges to a block that is still open in a walk from the entry."""
    found: list[tuple[int, int]] = []
    colour: dict[int, int] = {0: 1}
    stack: list[tuple[int, Iterator[int]]] = [(0, iter(function.blocks[0].successors))] if function.blocks else []
    while stack:
        block, rest = stack[-1]
        nxt = next(rest, None)
        if nxt is None:
            colour[block] = 2
            stack.pop()
        elif nxt not in colour:
            colour[nxt] = 1
            stack.append((nxt, iter(function.blocks[nxt].successors)))
        elif colour[nxt] == 1:
            found.append((block, nxt))
    return found


def instrs_of(function: Function, loop: Loop) -> Iterator[Instr]:
    """The instructions inside a loop."""
    for index in sorted(loop.blocks):
        yield from function.blocks[index].instrs


def loop_exits(function: Function, loop: Loop) -> Iterator[Assume]:
    """The branches that leave a loop, each as the condition taken on the way out."""
    for index in sorted(loop.blocks):
        for nxt in function.blocks[index].successors:
            if nxt not in loop.blocks:
                first = next((i for i in function.blocks[nxt].instrs), None)
                if isinstance(first, Assume):
                    yield first


def advances(function: Function, loop: Loop, home: int) -> bool:
    """Whether every round through a block moves on what a way out asks for: a counter, a cursor, what is left to do."""
    asked = {n for out in loop_exits(function, loop) for n in out.cond.names}
    asked |= {n for name in asked for n in _made_of(function, loop, name)}
    movers = frozenset(
        index
        for index in loop.blocks
        if any(not moved.isdisjoint(asked) for moved in map(_moved_by, function.blocks[index].instrs))
        or any(isinstance(i, Call) and "for_each" in i.callee for i in function.blocks[index].instrs)
    )
    free = loop.blocks - movers
    if not {home, loop.head, loop.tail} <= free:
        return True
    return not (_leads(function, free, home, loop.tail) and _leads(function, free, loop.head, home))


def _leads(function: Function, within: frozenset[int], start: int, end: int) -> bool:
    seen, work = {start}, [start]
    while work:
        block = work.pop()
        if block == end:
            return True
        new = [n for n in function.blocks[block].successors if n in within and n not in seen]
        seen.update(new)
        work += new
    return False


def _moved_by(instr: Instr) -> frozenset[str]:
    """What an instruction moves on."""
    if isinstance(instr, Assign) and _moves(instr.target, instr.value):
        return instr.target.names
    if isinstance(instr, Call) and _STEPS.search(instr.callee):
        given = frozenset(n for a in instr.args for n in a.names)
        return given | (instr.result.names if instr.result is not None else frozenset())
    return frozenset()


def _moves(target: Expr, value: Expr) -> bool:
    """``i = i + 1``, ``p = p->next``."""
    if not isinstance(target, Name) or not target.names <= value.names:
        return False
    return isinstance(value, Field | Deref) or (isinstance(value, Binary) and value.op in ("+", "-", "<<", ">>"))


def _made_of(function: Function, loop: Loop, name: str) -> frozenset[str]:
    """The words of the calls that a variable is read from inside the loop (``valid = iter_is_valid(&iter)``)."""
    if name[0] != "%":
        return frozenset()
    found: set[str] = set()
    for instr in instrs_of(function, loop):
        if isinstance(instr, Call) and instr.result is not None and instr.result.text == name:
            found |= {n for a in instr.args for n in a.names}
        elif isinstance(instr, Assign) and instr.target.text == name:
            found |= instr.value.names
    return frozenset(found)
