"""A sequence count around a lookup: snapshot, barrier, lookup, recheck under a lock, and only then publication.

The words of one such protocol are in a ``Sequence``. Each path from where the looked-up value comes to live is
explored with a ``Stand``; what publishes the value in a stand that does not allow it is a ``Breach``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from analyzer.analyses.held import HeldProperty
from analyzer.analyses.locks import Held
from analyzer.dataflow.context import Context
from analyzer.dataflow.paths import Explorer
from analyzer.dataflow.values import NZ, Facts, Value
from analyzer.ir.effect import Verb, Vocabulary
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Assign, Assume, Binary, Call, Expr, Field, Function, Init, Instr, Name, Return, parts

SNAPSHOT, ACQUIRED, PUBLISH = "%snapshot", "%snapshot-acquired", "%publish"


@dataclass(frozen=True, slots=True)
class Sequence:
    """The words of a protocol.

    ``lookups``: callee -> whether it returns an error (True) or the value. ``counter``: the field that is snapshot.
    ``rechecks`` want ``lock``; ``prechecks`` are the lockless variants. ``barriers`` order the snapshot before the
    lookup, as the release of any lock does. ``publishers``: callees that make the value reachable. ``failures``:
    tests that say that the lookup failed. ``excluders``: locks (labels) or assertions that keep the counter still.
    """

    counter: str
    lock: str
    lookups: dict[str, bool]
    rechecks: frozenset[str]
    prechecks: frozenset[str]
    barriers: frozenset[str]
    publishers: frozenset[str]
    failures: frozenset[str]
    excluders: frozenset[str]
    unlocks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a path stands.

    ``snapshot``: none, bare (no barrier yet), ready. ``looked``: the snapshot when the value was looked up ("" before
    that, late where it was taken again since). ``check``: "", lockless, unlocked, fresh, dropped, stale, ok. The calls
    are what brought it there; ``lost`` is a path of which something is not known.
    """

    snapshot: str = "none"
    locked: bool = False
    looked: str = ""
    check: str = ""
    excluded: bool = False
    lost: bool = False
    published: bool = False  # in order: what follows is about another value
    at_snapshot: Call | None = None
    at_lookup: Call | None = None
    at_check: Call | None = None
    homes: tuple[Key, Key, Key] = (("", ""), ("", ""), ("", ""))


LOST = Stand(lost=True)


@dataclass(slots=True)
class Breach:
    """The value is published in a stand that does not allow it."""

    call: Call
    stand: Stand
    context: Context[Stand]
    why: str


def snapshot_of(instr: Instr, counter: str) -> str:
    """The marker that an instruction deserves which takes a snapshot of a counter, or ``""``."""
    match instr:
        case Assign(value=Init() as made):
            return SNAPSHOT if any(_is(v, counter) for _, v in made.entries) else ""
        case Assign() | Return():
            return SNAPSHOT if instr.value is not None and _is(instr.value, counter) else ""
        case Call() if instr.result is not None and any(_is(p, counter) for a in instr.args for p in parts(a)):
            if "acquire" in instr.callee:
                return ACQUIRED
            return SNAPSHOT if instr.callee.isupper() or "read" in instr.callee else ""
        case _:
            return ""


def _is(expr: Expr, counter: str) -> bool:
    return isinstance(expr, Field) and expr.name == counter


class SequenceProperty:
    """The Property that moves a Stand along a path."""

    def __init__(self, program: Program, vocabulary: Vocabulary, words: Sequence) -> None:
        self.words = words
        self.vocabulary = vocabulary
        self.locks = HeldProperty(program, vocabulary, frozenset((words.lock,)), frozenset())
        self.breaches: dict[tuple[int, str, Key], Breach] = {}
        self.lookups: dict[int, list[tuple[Key, Call]]] = {}  # with the calls that lead there
        self.published: set[int] = set()

    def call(
        self, call: Call, state: Stand, facts: Facts, context: Context[Stand]
    ) -> Iterable[tuple[Stand, Value | None]] | None:
        """Move the stand; other callees are explored."""
        name, words = call.callee, self.words
        if state.lost:
            return [(state, None)] if name in words.lookups else None
        if name in (SNAPSHOT, ACQUIRED):
            return [(self._snapshot(call, state, context), None)]
        if name in words.barriers:
            return [(replace(state, snapshot="ready") if state.snapshot == "bare" else state, None)]
        if name in words.lookups:
            return self._lookup(call, state, context)
        if name in words.failures and state.looked:
            return [(state, 0), (replace(state, looked="", check=""), NZ)]
        if name in words.rechecks or name in words.prechecks:
            return self._check(call, state, context)
        if name in words.excluders or name in words.unlocks:
            return [(replace(state, excluded=name in words.excluders), None)]
        if name == PUBLISH or name in words.publishers:
            return self._publish(call, state, context)
        return self._lock(call, state, context)

    def _snapshot(self, call: Call, state: Stand, context: Context[Stand]) -> Stand:
        homes = (context.key, *state.homes[1:])
        taken = "ready" if call.callee == ACQUIRED else "bare"
        looked = "late" if state.looked and not state.published else ""
        return replace(state, snapshot=taken, looked=looked, check="", at_snapshot=call, homes=homes)

    def _lookup(self, call: Call, state: Stand, context: Context[Stand]) -> list[tuple[Stand, Value | None]]:
        way = [(seen.key, leaving) for seen, leaving in context.path()[:-1] if leaving is not None]
        self.lookups.setdefault(id(call), [*way, (context.key, call)])
        homes = (state.homes[0], context.key, state.homes[2])
        looked = "excluded" if state.excluded else state.snapshot
        found = replace(state, looked=looked, check="", published=False, at_lookup=call, at_check=None, homes=homes)
        if not self.words.lookups[call.callee]:
            return [(found, None)]
        return [(found, 0), (replace(state, looked="", check=""), NZ)]

    def _check(self, call: Call, state: Stand, context: Context[Stand]) -> list[tuple[Stand, Value | None]]:
        if not state.looked:
            return [(state, 0), (state, NZ)]
        passed = "lockless" if call.callee in self.words.prechecks else "ok" if state.locked else "unlocked"
        if passed == "ok" and any(_is(a, self.words.counter) for a in call.args):
            passed = "fresh"
        if passed == "lockless" and state.check:
            return [(state, 0), (replace(state, check="stale"), NZ)]
        return [(self._checked(passed, call, state, context), 0), (replace(state, check="stale"), NZ)]

    def _checked(self, how: str, call: Call, state: Stand, context: Context[Stand]) -> Stand:
        return replace(state, check=how, at_check=call, homes=(*state.homes[:2], context.key))

    def _publish(self, call: Call, state: Stand, context: Context[Stand]) -> list[tuple[Stand, Value | None]]:
        if state.looked and state.looked != "excluded":
            self.published.add(id(call))
            why = ""
            if state.looked != "ready":
                why = {"none": "no snapshot", "bare": "no barrier", "late": "late snapshot"}[state.looked]
            elif state.check != "ok":
                why = state.check or "no check"
            if why:
                self.breaches.setdefault((id(call), why, state.homes[1]), Breach(call, state, context, why))
            return [(replace(state, published=True), None)]
        return [(state, None)]

    def _lock(self, call: Call, state: Stand, context: Context[Stand]) -> Iterable[tuple[Stand, Value | None]] | None:
        released = any(e.verb is Verb.RELEASE for e in self.vocabulary.effects.get(call.callee, ()))
        after = replace(state, snapshot="ready") if released and state.snapshot == "bare" else state
        here: Context[Held] = Context(context.key, frozenset(), {})
        locks = self.locks
        effects = locks.effects(call) or locks.through_pointer(call, here) or locks.forwarded(call, here)
        for effect, _ in effects:
            if effect.verb is Verb.RELEASE:
                check = "dropped" if after.check == "ok" else after.check
                return [(replace(after, locked=False, check=check), None)]
            taken = replace(after, locked=True)
            if effect.verb is Verb.ACQUIRE and effect.when:
                good, bad = (NZ, 0) if effect.when == "nonzero" else (0, NZ)
                return [(taken, good), (after, bad)]
            return [(taken, None)]
        return [(after, None)] if released else None

    def observe(self, instr: Instr, state: Stand, facts: Facts, context: Context[Stand]) -> None:
        """Nothing to note."""

    def feasible(self, call: Call, state: Stand) -> bool:
        """What a bugged VM publishes does not matter."""
        return self.locks.feasible(call, frozenset())

    def after(self, call: Call, facts: Facts) -> None:
        """No results to model."""

    def branch(self, assume: Assume, state: Stand, context: Context[Stand]) -> Stand:
        """An open-coded comparison is a recheck; where nothing could be looked up, the path is not followed."""
        if state.lost or not state.looked:
            return state
        cond = assume.cond
        if (
            isinstance(cond, Binary)
            and cond.op in ("==", "!=")
            and (_is(cond.left, self.words.counter) or _is(cond.right, self.words.counter))
        ):
            if (cond.op == "==") is not assume.truth:
                return replace(state, check="stale")
            if state.check == "ok":
                return state
            return replace(state, check="ok" if state.locked else "unlocked", homes=(*state.homes[:2], context.key))
        if not assume.truth and state.at_lookup is not None and _last(cond) in _slots(state.at_lookup):
            return LOST
        return state

    def hole(self, state: Stand) -> Stand:
        """Unknown statements may have done any step."""
        return LOST

    def unknown(self) -> Stand:
        """Callers are not shown."""
        return LOST


def _last(expr: Expr) -> str:
    return expr.name if isinstance(expr, Field) else expr.id if isinstance(expr, Name) else ""


def _slots(call: Call) -> set[str]:
    """What a lookup needs: a pointer that was looked into is not null."""
    return {_last(a) for a in call.args if isinstance(a, Name | Field)} - {""}


@dataclass(slots=True)
class SequenceResult:
    """What the exploration saw."""

    tracked: SequenceProperty
    explorer: Explorer[Stand]
    tops: list[Key] = field(default_factory=list)

    @property
    def breaches(self) -> list[Breach]:
        """In order of place."""
        return sorted(self.tracked.breaches.values(), key=lambda b: (b.context.key, b.call.line, b.why))


def solve_sequence(
    program: Program, vocabulary: Vocabulary, words: Sequence, tops: list[Key], relevant: frozenset[Key]
) -> SequenceResult:
    """Explore from the functions in which looked-up values come to live."""
    tracked = SequenceProperty(program, vocabulary, words)
    explorer = Explorer(program, vocabulary, tracked, relevant)
    for key in tops:
        explorer.enter(key, Stand(), {})
    return SequenceResult(tracked, explorer, tops)


def reads_counter(function: Function, counter: str) -> bool:
    """Whether a function takes a snapshot."""
    return any(snapshot_of(i, counter) for b in function.blocks for i in b.instrs)


def lock_helpers(program: Program, vocabulary: Vocabulary, words: Sequence, among: Iterable[Key]) -> set[Key]:
    """The functions that take or give up the lock and leave that to their callers."""
    tracked = HeldProperty(program, vocabulary, frozenset((words.lock,)), frozenset())
    fixed = {
        n
        for n, es in vocabulary.effects.items()
        if any(e.verb is not Verb.REQUIRE and e.label == words.lock for e in es)
    }
    found = set()
    for key in among:
        mentions = program.definitions[key].mentions
        if (words.lock in mentions or not mentions.isdisjoint(fixed)) and not tracked.balanced(key):
            found.add(key)
    return found
