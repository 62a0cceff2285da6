"""Spans: stretches of execution that a call begins and another must end, whatever function either of them is in.

Where a span begins or ends only for some data (no slot was found, no binding), a helper is taken at its word: one that
can begin it does, one that can end it does, as long as its result does not tell. What must not change meanwhile is held
by locks; what must be done before a lock is dropped is an event of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from analyzer.analyses.locks import lock_label
from analyzer.analyses.loops import entered_loops
from analyzer.callgraph.names import NameGraph
from analyzer.dataflow.context import Context
from analyzer.dataflow.paths import Explorer
from analyzer.dataflow.values import Facts, Fn, Value
from analyzer.ir.cfg import loop_of
from analyzer.ir.effect import Effect, Verb, Vocabulary
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Assume, Call, Instr, Return

MAX_DEEP = 2  # spans in each other that are told apart
MAX_ROUNDS = 5  # how many callers away the other end is looked for


@dataclass(frozen=True, slots=True)
class Span:
    """How many are open, whether one was ended, whether what is due was added, which locks are held and were then."""

    deep: int = 0
    ended: bool = False
    added: bool = False
    locks: frozenset[str] = frozenset()
    then: frozenset[str] = frozenset()
    site: int = -1  # where the open one began: an index of ``Spans.sites``


IDLE, LOST = Span(), Span(-1)
Exit = tuple[Span, Value | None]


@dataclass(frozen=True, slots=True)
class Odd:
    """Something out of order: what (``unopened``, ``unlocked``, ``late``, ``empty``), where, in which state."""

    what: str
    context: Context[Span]
    instr: Instr
    state: Span
    lock: str = ""


@dataclass(slots=True)
class Spans:
    """The Property of one kind of span; ``label`` names its events (``open``, ``close``, ``add``, ``drop``, and ``is``
    for a test whether a pointer is to the function ``when``) in the vocabulary; ``stable`` locks keep both ends
    alike, ``held`` covers the beginning."""

    program: Program
    vocabulary: Vocabulary
    label: str
    stable: frozenset[str]
    held: str
    explorer: Explorer[Span] | None = None
    sites: list[tuple[Context[Span], Call, frozenset[str]]] = field(default_factory=list)  # with the locks held
    odds: dict[tuple[str, Key, int], Odd] = field(default_factory=dict)
    ends: list[tuple[Context[Span], Instr, Span]] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    events: dict[str, Effect] = field(default_factory=dict)
    _passing: Call | None = None
    _known: set[tuple[int, int, Span]] = field(default_factory=set)

    def call(self, call: Call, state: Span, facts: Facts, context: Context[Span]) -> Iterable[Exit] | None:
        """Events move the state; helpers are taken at their word."""
        if call is self._passing:
            self._passing = None
            return None
        effect = self.event(call, facts, context)
        if effect is not None and effect.mode == "is":
            pointed = facts.get(call.args[0]) if call.args else None
            return [(state, int(pointed.name == effect.when) if isinstance(pointed, Fn) else None)]
        if effect is not None:
            self.seen.add(id(call))
            return [(state if state == LOST else self._event(effect, call, state, context), None)]
        lock = self._lock(call)
        if lock is not None:
            return [(state if state == LOST else self._locked(*lock, call, state, context), None)]
        explorer = self.explorer
        if explorer is None:
            return None
        if state.deep > 0 and not state.added:
            keys, _ = explorer.targets(call, facts, context.key[0], self.program.lower(context.key))
            if not explorer.relevant.intersection(keys) and self._lends(call, context):
                self._odd("late", context, call, state, self.held)
        self._passing = call
        exits = explorer.apply(call, state, facts, context)
        self._passing = None
        return _settled(state, exits)

    def event(self, call: Call, facts: Facts, context: Context[Span]) -> Effect | None:
        """The event that a call is, through a pointer that is known included."""
        name = call.callee
        value = facts.get(call.target) if call.target is not None else None
        if isinstance(value, Fn):
            name = value.name
        effect = self.events.get(name)
        if effect is not None and effect.when == "unseen" and self.program.resolve(name, context.key[0]):
            return None
        return effect

    def _lock(self, call: Call) -> tuple[str, bool] | None:
        """(label, taken) of a call that takes or drops a lock of interest."""
        for effect in self.vocabulary.effects.get(call.callee, ()):
            if effect.verb in (Verb.ACQUIRE, Verb.RELEASE):
                label = effect.label or (lock_label(call.args[effect.slot]) if effect.slot < len(call.args) else "")
                if label in self.stable or label == self.held:
                    return label, effect.verb is Verb.ACQUIRE
        return None

    def _event(self, effect: Effect, call: Call, state: Span, context: Context[Span]) -> Span:
        match effect.mode:
            case "open":
                begun = self._open(call, state, context)
                whole = effect.when == "unseen" or len(call.args) > effect.slot + 1  # or it is told the range
                return replace(begun, added=True) if whole else begun
            case "close":
                return self._close(call, state, context)
            case "add":
                return replace(state, added=True)
            case _:  # a call that drops the lock for a moment
                return self._locked(self.held, False, call, state, context) if self._about(effect, call) else state

    def _about(self, effect: Effect, call: Call) -> bool:
        return effect.slot < len(call.args) and lock_label(call.args[effect.slot]) == self.held

    def _lends(self, call: Call, context: Context[Span], depth: int = 4) -> bool:
        """Whether a helper that has no event of its own drops the lock that covers the beginning."""
        work = [(k, depth) for k in self.program.resolve(call.callee, context.key[0])] if call.callee else []
        asked: set[Key] = set()
        while work:
            key, left = work.pop()
            function = None if key in asked else self.program.lower(key)
            asked.add(key)
            for inner in function.calls() if function is not None else ():
                effect = self.events.get(inner.callee)
                if self._lock(inner) == (self.held, False) or (
                    effect is not None and effect.mode == "drop" and self._about(effect, inner)
                ):
                    return True
                if left and inner.callee:
                    work += [(k, left - 1) for k in self.program.resolve(inner.callee, key[0])]
        return False

    def _open(self, call: Call, state: Span, context: Context[Span]) -> Span:
        self.sites.append((context, call, state.locks))
        if not state.deep:
            return replace(state, deep=1, added=False, then=state.locks, site=self._site(context, call))
        return state if self.looping(context, call) else replace(state, deep=min(state.deep + 1, MAX_DEEP))

    def _close(self, call: Call, state: Span, context: Context[Span]) -> Span:
        if not state.deep:
            if not (state.ended and self.looping(context, call)):
                self._odd("unopened", context, call, state)
            return replace(state, ended=True)
        if not state.added:
            self._odd("empty", context, call, state)
        return replace(state, deep=state.deep - 1, ended=True)

    def _locked(self, lock: str, taken: bool, call: Call, state: Span, context: Context[Span]) -> Span:
        if state.deep and not taken:
            if lock == self.held and not state.added:
                self._odd("late", context, call, state, lock)
            elif lock in state.then:
                self._odd("unlocked", context, call, state, lock)
        if lock == self.held:
            return state
        return replace(state, locks=state.locks | {lock} if taken else state.locks - {lock})

    def _site(self, context: Context[Span], call: Call) -> int:
        """The same number for the same call, whatever led to it."""
        return next(n for n, (_, known, _) in enumerate(self.sites) if known is call)

    def _odd(self, what: str, context: Context[Span], call: Call, state: Span, lock: str = "") -> None:
        self.odds.setdefault((what, context.key, id(call)), Odd(what, context, call, state, lock))

    def looping(self, context: Context[Span], call: Call) -> bool:
        """Whether a call runs more than once, in a loop of its function or of one that led to it."""
        for seen, leaving in [*context.path()[:-1], (context, call)]:
            function = self.program.lower(seen.key)
            if function is not None and leaving is not None and loop_of(function, leaving):
                return True
        return False

    def observe(self, instr: Instr, state: Span, facts: Facts, context: Context[Span]) -> None:
        """Keep how functions return; callbacks that a function is handed in a struct stay what they are."""
        for expr, value in context.facts.items():
            if isinstance(value, Fn) and expr not in facts and isinstance(instr, Call):
                facts[expr] = value
        if isinstance(instr, Return) and state != LOST:
            known = (id(context), id(instr), state)
            if known not in self._known:
                self._known.add(known)
                self.ends.append((context, instr, state))

    def branch(self, assume: Assume, state: Span, context: Context[Span]) -> Span:
        """Branches change nothing."""
        return state

    def feasible(self, call: Call, state: Span) -> bool:
        """A span has to end in a VM that is bugged, too."""
        return True

    def after(self, call: Call, facts: Facts) -> None:
        """No results to model."""

    def hole(self, state: Span) -> Span:
        """Unknown statements may begin and end anything."""
        return LOST

    def unknown(self) -> Span:
        """Callers are not shown."""
        return IDLE

    def finished(self, context: Context[Span]) -> bool:
        """Whether the function ends, on some path from this entry, a span that it began."""
        return any(c is context and s.ended and not context.state.ended for c, _, s in self.ends)


def _settled(before: Span, exits: list[Exit]) -> list[Exit]:
    """The exits of a call without those that only differ by the data that was found."""
    kept: list[Exit] = []
    leaks = any(s.ended and not before.ended and s.deep == before.deep for s, _ in exits)
    for state, value in exits:
        others = [s for s, v in exits if s is not state and (v == value or v is None or value is None)]
        idle = state.deep == before.deep and state.ended == before.ended
        if idle and any(s.deep != before.deep for s in others):
            continue
        if leaks and state.deep > before.deep:
            continue  # told where it is left open
        if (state, value) not in kept:
            kept.append((state, value))
    return kept or exits


def solve_spans(
    program: Program,
    names: NameGraph,
    vocabulary: Vocabulary,
    label: str,
    covers: Callable[[str], bool],
    stable: frozenset[str],
    held: str,
) -> tuple[Spans, list[Key]]:
    """Follow every span from the functions that nothing of the selection calls; these are returned as well."""
    effects = {n: e for n, es in vocabulary.effects.items() for e in es if e.verb is Verb.EVENT and e.label == label}
    ends = frozenset(n for n, e in effects.items() if e.mode in ("open", "close") and e.when != "unseen")
    stored = frozenset(f for f, es in program.tables.items() if any(e.function in effects for e in es))
    definitions = program.definitions
    words = frozenset(n for n, e in effects.items() if e.mode not in ("drop", "is")) | stored
    direct = names.where(lambda d: covers(d.path) and not d.mentions.isdisjoint(words))
    wanted = {k for k in direct if definitions[k].kind == "function" and k[1] not in ends}
    for _ in range(MAX_ROUNDS):
        entered = entered_loops(program, frozenset(k[1] for k in wanted) | words)
        spans = Spans(entered, vocabulary, label, stable, held, events=effects)
        spans.explorer = Explorer(entered, vocabulary, spans, frozenset(wanted))
        tops = _explored(names, spans.explorer, wanted)
        one_sided = {c.key for c, _, s in spans.ends if s.deep != c.state.deep and s.deep >= 0}
        one_sided |= {o.context.key for o in spans.odds.values() if o.what == "unopened"}
        above = {c for k in one_sided for c in names.callers.get(k, ()) if definitions[c].kind == "function"}
        above = {k for k in above if covers(k[0]) and k[1] not in ends} - wanted
        if not above:
            break
        wanted |= above
    return spans, tops


def _explored(names: NameGraph, explorer: Explorer[Span], wanted: set[Key]) -> list[Key]:
    """Enter the functions that no other of the selection mentions, then what is left; the first are returned."""
    tops = sorted(k for k in wanted if not any(c in wanted for c in names.callers.get(k, ()) if c != k))
    for key in tops or sorted(wanted)[:1]:
        explorer.enter(key, IDLE, {})
    rest = [k for k in sorted(wanted) if not explorer.visited(k)]
    while rest:
        inner = [k for k in rest if not any(c in rest for c in names.callers.get(k, ()) if c != k)]
        for key in inner or rest[:1]:
            explorer.enter(key, IDLE, {})
            tops.append(key)
        rest = [k for k in rest if not explorer.visited(k)]
    return tops
