"""Pointers that outlive the read section they were read in: followed behind it, or handed to the caller.

Only sections that the function opens itself count. A call that is given the pointer may pin it (a reference, a copy):
it is not followed any further.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from analyzer.analyses.checked import inner_expressions
from analyzer.analyses.facts import nonzero
from analyzer.analyses.uses import LOGGING
from analyzer.ir.types import Addr, Assign, Assume, Call, Deref, Expr, Function, Hole, Instr, Name, Return

MAX_STATES = 2_000
_GIVES_UP = re.compile(r"(?:^|_)(?:k?v?free|put|rcu)(?:_|$)")


@dataclass(frozen=True, slots=True)
class Outlived:
    """A pointer that ``read`` gave is followed, or returned, by ``instr`` though ``left`` ended the section."""

    function: Function
    name: str
    read: Call
    left: Call
    instr: Instr


@dataclass(frozen=True, slots=True)
class Section:
    """The words of a read section: what opens it, what ends it, what reads a pointer in it."""

    takes: frozenset[str]
    gives: frozenset[str]
    reads: frozenset[str]


@dataclass(frozen=True, slots=True)
class _State:
    """``good``: pointers of an open section with what read them; ``old``: the same once it ended, with what did."""

    depth: int = 0
    good: frozenset[tuple[str, Call]] = frozenset()
    old: frozenset[tuple[str, Call, Call]] = frozenset()

    def without(self, name: str) -> _State:
        """The state once a variable has another value."""
        return replace(
            self,
            good=frozenset(i for i in self.good if i[0] != name),
            old=frozenset(i for i in self.old if i[0] != name),
        )

    def copied(self, target: str, source: str) -> _State:
        """The state once a variable has the value of another."""
        good = frozenset((target, read) for name, read in self.good if name == source)
        old = frozenset((target, read, left) for name, read, left in self.old if name == source)
        rest = self.without(target)
        return replace(rest, good=rest.good | good, old=rest.old | old)


def outlived(function: Function, section: Section) -> Iterator[Outlived]:
    """Each place of a function that uses a pointer behind its section, or returns it."""
    work = [(0, _State())]
    seen = set(work)
    told: set[int] = set()
    while work and len(seen) < MAX_STATES:
        index, state = work.pop()
        for instr in function.blocks[index].instrs:
            for name, read, left in state.old:
                returned = isinstance(instr, Return) and instr.value is not None and instr.value.text == name
                if id(instr) not in told and (returned or follows(instr, name)):
                    told.add(id(instr))
                    yield Outlived(function, name, read, left, instr)
            state = _after(instr, state, section)
        new = {(n, state) for n in function.blocks[index].successors} - seen
        seen |= new
        work += new


def follows(instr: Instr, name: str) -> bool:
    """Whether an instruction follows a pointer."""
    match instr:
        case Return() if instr.value is not None:
            exprs = [instr.value]
        case Assign():
            exprs = [instr.target, instr.value]
        case Assume():
            exprs = [instr.cond]
        case Call() if not LOGGING.match(instr.callee):
            exprs = [a for a in instr.args if not isinstance(a, Addr)]
        case _:
            exprs = []
    inner = (i for e in exprs for i in inner_expressions(e))
    return any(isinstance(i, Deref) and isinstance(i.base, Name) and i.base.id == name for i in inner)


def hands_on(instr: Instr, name: str) -> bool:
    """Whether an instruction gives a pointer to a callee that does more than tell or free it."""
    if not isinstance(instr, Call) or LOGGING.match(instr.callee) or _GIVES_UP.search(instr.callee):
        return False
    return any(isinstance(a, Name) and a.id == name for a in instr.args)


def _after(instr: Instr, state: _State, section: Section) -> _State:
    match instr:
        case Call():
            return _called(instr, state, section)
        case Assign(target=Name(id=target)):
            source = instr.value
            return state.copied(target, source.id) if isinstance(source, Name) else state.without(target)
        case Assume():
            tested, there = nonzero(instr)
            return state.without(tested.id) if isinstance(tested, Name) and not there else state
        case Hole():
            return _State()
    return state


def _called(call: Call, state: _State, section: Section) -> _State:
    if call.callee in section.takes:
        return replace(state, depth=min(state.depth + 1, 3))
    if call.callee in section.gives:
        if state.depth != 1:
            return replace(state, depth=max(state.depth - 1, 0))
        return _State(0, frozenset(), state.old | {(name, read, call) for name, read in state.good})
    given = {n for a in call.args for n in _handed(a)} if not LOGGING.match(call.callee) else set()
    for name in given & {item[0] for item in state.good}:
        state = state.without(name)
    if isinstance(call.result, Name):
        state = state.without(call.result.id)
        if call.callee in section.reads and state.depth:
            state = replace(state, good=state.good | {(call.result.id, call)})
    return state


def _handed(arg: Expr) -> frozenset[str]:
    """The variables whose objects an argument gives to a callee."""
    return arg.names if isinstance(arg, Name | Addr) else frozenset()
