"""Sections of a lock in one function: where it is taken, and what is called before it is released."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.analyses.held import HeldProperty
from analyzer.ir.cfg import home_of
from analyzer.ir.effect import Verb, Vocabulary
from analyzer.ir.program import Program
from analyzer.ir.types import Call, Function


def lock_calls(program: Program, vocabulary: Vocabulary, function: Function, label: str, verb: Verb) -> Iterator[Call]:
    """The calls of a function that take (or release) a lock."""
    tracked = HeldProperty(program, vocabulary, frozenset((label,)), frozenset())
    for call in function.calls():
        if any(effect.verb is verb for effect, _ in tracked.effects(call)):
            yield call


def calls_between(program: Program, vocabulary: Vocabulary, function: Function, start: Call, label: str) -> list[Call]:
    """The calls that can be reached from one call before the lock is released."""
    ends = set(map(id, lock_calls(program, vocabulary, function, label, Verb.RELEASE)))
    home = home_of(function, start)
    if home is None:
        return []
    found: list[Call] = []
    first = next(n for n, x in enumerate(function.blocks[home].instrs) if x is start)
    seen: set[int] = set()
    work = [(home, first + 1)]
    while work:
        index, at = work.pop()
        open_ = True
        for instr in function.blocks[index].instrs[at:]:
            if id(instr) in ends:
                open_ = False
                break
            if isinstance(instr, Call):
                found.append(instr)
        if open_:
            new = [b for b in function.blocks[index].successors if b not in seen]
            seen.update(new)
            work += [(b, 0) for b in new]
    return found
