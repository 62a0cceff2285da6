"""What a call leaves behind: changes of lasting state that are not undone on the paths where the call failed.

A change is on a channel (a list, a cache, a counter, memory) and has a sign; the opposite on the same channel undoes
it. ``Attempt`` names the calls that may fail. Each path keeps what is outstanding; a return behind a failed attempt
with something outstanding is a ``Remainder``, and so is a change that a retry makes again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from analyzer.analyses.facts import nonzero
from analyzer.analyses.locks import BUGS_VM
from analyzer.analyses.typestate import BUSY_TESTS
from analyzer.dataflow.context import Context
from analyzer.dataflow.paths import Explorer
from analyzer.dataflow.values import NZ, Facts, Value
from analyzer.ir.effect import Vocabulary
from analyzer.ir.program import Key, Program
from analyzer.ir.types import (
    Addr,
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
    Return,
    parts,
)

CHANGE = "%change"
BUSY_WORDS = re.compile(r"busy|again|retry|interrupted|entropy|restart", re.I)


@dataclass(frozen=True, slots=True)
class Delta:
    """One change: the channel, the sign, and the words for it."""

    channel: str
    sign: int
    words: str


@dataclass(frozen=True, slots=True)
class Past:
    """A path: what is outstanding (with the call and the context's function), how the attempt ended, whether busy."""

    outstanding: frozenset[tuple[Delta, Call]] = frozenset()
    ran: str = ""
    busy: bool = False


@dataclass(slots=True)
class Remainder:
    """A change that a failed attempt leaves; ``again`` where a retry was seen to make it twice."""

    change: Delta
    call: Call
    top: Key
    way: list[tuple[Key, Call]]
    attempt: Call | None
    again: bool


def last_name(expr: Expr) -> str:
    """The field or variable that an address or place ends in."""
    while True:
        match expr:
            case Addr() | Deref() | Index():
                expr = expr.base
            case Field():
                return expr.name
            case Name():
                return expr.id
            case _:
                return ""


def lasting(function: Function, place: Expr) -> bool:
    """Whether a place outlives the call: memory behind a pointer, or a variable that is not the function's own."""
    name = place.root
    if not name or name.startswith("%"):
        return False
    if name not in function.locals:
        return isinstance(place, Name | Field | Index) and not name.isupper()
    return any(isinstance(p, Deref) for p in parts(place)) and not isinstance(place, Name)


_NUMBER_OUT = re.compile(r"(?:unsigned )?(?:u8|u16|u32|u64|int|long|bool|char|gpa_t|gfn_t|size_t) \*")


def stored(function: Function, instr: Assign) -> Delta | None:
    """A lasting place that is changed relative to what it was, or emptied after it was read."""
    target, value = instr.target, instr.value
    if not lasting(function, target):
        return None
    if isinstance(value, Binary) and value.op in ("+", "-") and value.left is target:
        sign = 1 if value.op == "+" else -1
        return Delta(f"count {last_name(target)}", sign, f"changes {target.text}")
    if _output(function, target):
        return None  # written by every run, whatever the one before left there
    if isinstance(value, Const) and value.value == 0 and _taken(function, target):
        return Delta(f"slot {last_name(target)}", -1, f"empties {target.text}")
    if isinstance(value, Const) and value.value is not None and _spares(function, target, value.value != 0):
        return Delta(f"flag {last_name(target)}", 1 if value.value else -1, f"changes {target.text}")
    again = None if isinstance(value, Const) and value.value == 0 else set_again(function, target)
    if again is not None:
        return again
    if not isinstance(value, Const) and _emptied(function, target):
        return Delta(f"slot {last_name(target)}", 1, f"fills {target.text}")
    return None


def _spares(function: Function, place: Expr, now: bool) -> bool:
    """Whether a function has nothing to do where a place is what it makes it: a second run leaves at once."""
    for block in function.blocks:
        last = block.instrs[-1] if block.instrs else None
        asks = any(isinstance(i, Assume) and _is(i, place) is now for i in block.instrs)
        if asks and isinstance(last, Return) and not any(isinstance(i, Call) for i in block.instrs):
            return True
    return False


def _is(assume: Assume, place: Expr) -> bool | None:
    """What a branch says of a place: not zero, zero, or nothing."""
    cond, truth = nonzero(assume)
    return truth if cond is place else None


def _output(function: Function, place: Expr) -> bool:
    """Whether a place is a number that a pointer parameter asks for."""
    if not isinstance(place, Deref) or not isinstance(place.base, Name):
        return False
    kind = next((p.type for p in function.params if p.name == place.base.id), "")
    return _NUMBER_OUT.fullmatch(kind) is not None


def _taken(function: Function, place: Expr) -> bool:
    """Whether a pointer is read into a variable (so that to clear it takes it away)."""
    return any(
        isinstance(i, Assign) and i.value is place and isinstance(i.target, Name)
        for b in function.blocks
        for i in b.instrs
    )


def set_again(function: Function, place: Expr) -> Delta | None:
    """The change that a store makes to a flag which an exchange of the same function took."""
    taken = any(c.callee.endswith("xchg") and c.args and c.args[0] is Addr(place) for c in function.calls())
    return Delta(f"flag {last_name(place)}", 1, f"sets {place.text}") if taken else None


def _emptied(function: Function, place: Expr) -> bool:
    return any(
        isinstance(i, Assign) and i.target is place and isinstance(i.value, Const) and i.value.value == 0
        for b in function.blocks
        for i in b.instrs
    )


class EffectProperty:
    """The Property that keeps what is outstanding on a path."""

    def __init__(
        self,
        program: Program,
        vocabulary: Vocabulary,
        changes: Callable[[Call, Key], Iterable[Delta]],
        attempts: Callable[[Call, Key], bool],
    ) -> None:
        self.program = program
        self.vocabulary = vocabulary
        self.changes = changes
        self.attempts = attempts
        self.remainders: dict[tuple[Key, int, str], Remainder] = {}
        self.ways: dict[tuple[Key, int], list[tuple[Key, Call]]] = {}
        self.undone: set[tuple[str, int]] = set()  # undone in a loop: the path that runs it no time is no path
        self.attempt: Call | None = None
        self.seen = 0

    def call(
        self, call: Call, state: Past, facts: Facts, context: Context[Past]
    ) -> Iterable[tuple[Past, Value | None]] | None:
        """Attempts end well or badly; changes are kept or undone; a busy test of a success says no."""
        if self.attempts(call, context.key):
            self.seen += 1
            self.attempt = call
            return [(replace(state, ran="ok"), 0), (replace(state, ran="failed"), NZ)]
        if call.callee in BUSY_TESTS:
            if state.ran != "failed":
                return [(state, 0)]
            return [(state, 0), (replace(state, busy=True), 1)]
        found = list(self.changes(call, context.key))
        for change in found:
            state = self._change(change, call, state, context)
        return [(state, None)] if found else None

    def _change(self, change: Delta, call: Call, state: Past, context: Context[Past]) -> Past:
        opposite = next(
            (o for o in state.outstanding if o[0].channel == change.channel and o[0].sign != change.sign), None
        )
        if opposite is not None:
            return replace(state, outstanding=state.outstanding - {opposite})
        way = [(seen.key, leaving) for seen, leaving in context.path()[:-1] if leaving is not None]
        top = context.path()[0][0].key
        self.ways.setdefault((top, id(call)), [*way, (context.key, call)])
        if (change, call) in state.outstanding:
            if state.busy and state.ran == "failed":
                self._keep(change, call, top, True)
            return state
        return replace(state, outstanding=state.outstanding | {(change, call)})

    def _keep(self, change: Delta, call: Call, top: Key, again: bool) -> None:
        known = (top, id(call), change.channel)
        if again or known not in self.remainders:
            self.remainders[known] = Remainder(change, call, top, self.ways[top, id(call)], self.attempt, again)

    def observe(self, instr: Instr, state: Past, facts: Facts, context: Context[Past]) -> None:
        """A return of the function that is retried, behind a failed attempt."""
        if instr.__class__ is Return and context.caller is None and state.ran == "failed":
            for change, call in state.outstanding:
                self._keep(change, call, context.key, False)

    def feasible(self, call: Call, state: Past) -> bool:
        """Nothing that matters happens once a VM is bugged."""
        return call.callee not in BUGS_VM

    def after(self, call: Call, facts: Facts) -> None:
        """No results to model."""

    def branch(self, assume: Assume, state: Past, context: Context[Past]) -> Past:
        """A comparison with a busy word."""
        if state.ran == "failed" and BUSY_WORDS.search(assume.cond.text):
            equal = isinstance(assume.cond, Binary) and assume.cond.op == "!="
            return replace(state, busy=assume.truth is not equal)
        return state

    def hole(self, state: Past) -> Past:
        """What is outstanding may be undone."""
        return Past()

    def unknown(self) -> Past:
        """Callers are not shown."""
        return Past()


def remainders(
    program: Program, vocabulary: Vocabulary, tracked: EffectProperty, tops: Iterable[Key], relevant: frozenset[Key]
) -> list[Remainder]:
    """Explore some functions, each by itself, and give what their failures leave behind."""
    explorer = Explorer(program, vocabulary, tracked, relevant)
    for key in sorted(set(tops)):
        explorer.contexts.clear()
        explorer.enter(key, Past(), {})
    return sorted(tracked.remainders.values(), key=lambda r: (r.top, r.call.line, r.change.channel))
