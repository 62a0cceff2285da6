"""Walks: the paths of a flow, followed with a small set of marks that events put on and take off.

Helpers are taken at their word: what one can do for some data it does. Loops that lead to an event run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from analyzer.analyses.facts import Facts, shown, step
from analyzer.analyses.held import HeldProperty
from analyzer.analyses.locks import BUGS_VM, lock_label
from analyzer.analyses.loops import entered_loops
from analyzer.analyses.marks import Mark, marked
from analyzer.analyses.typestate import BUSY_TESTS
from analyzer.core.finding import Step
from analyzer.core.source import covers
from analyzer.dataflow import values
from analyzer.dataflow.context import Context
from analyzer.dataflow.paths import Explorer
from analyzer.dataflow.values import NZ, Alias, Fn, Pred, Value
from analyzer.ir.effect import Verb
from analyzer.ir.program import Key
from analyzer.ir.types import Assume, Call, Instr, Return
from analyzer.model.extract.words import LOCK, NULL_FUNCTION, NULL_TEST, SCOPE

Marks = frozenset[str]
Exit = tuple[Marks, Value | None]
NONE: Marks = frozenset()
LOST: Marks = frozenset(("lost",))
LOCKS = {"r": "L.r", "w": "L.w", "x": "L.w"}


@dataclass(frozen=True, slots=True)
class Seen:
    """An event: what, where, with which marks before it, and what is known of values there."""

    what: str
    call: Call
    marks: Marks
    context: Context[Marks]
    facts: values.Facts = field(hash=False, compare=False)


@dataclass(frozen=True, slots=True)
class Left:
    """A return."""

    instr: Return
    marks: Marks
    context: Context[Marks]
    value: Value | None


Rule = Callable[[Seen], Iterable[Exit]]
Find = Callable[[Call, values.Facts, Context[Marks]], str]
Branch = Callable[[Assume, Marks, Context[Marks]], Marks]


@dataclass(slots=True)
class Walk:
    """The Property. ``words`` name the events by callee, ``find`` names those that no name tells, ``rule`` says what an
    event does; ``branch`` what a side of a branch says.
    """

    facts: Facts
    words: Mapping[str, str]
    rule: Rule
    find: Find | None = None
    branched: Branch | None = None
    mark: Mark | None = None
    locks: bool = False
    at_word: bool = False
    seen: list[Seen] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    inner: list[Left] = field(default_factory=list)  # returns of helpers that changed the marks
    explorer: Explorer[Marks] | None = None
    about: str = ""  # the predicate that the branch at hand is about
    _passing: Call | None = None

    def call(self, call: Call, state: Marks, facts: values.Facts, context: Context[Marks]) -> Iterable[Exit] | None:
        """Events move the marks; other callees are explored."""
        if call is self._passing:
            self._passing = None
            return None
        if call.callee in BUSY_TESTS and call.args and self.explorer is not None:
            return [(state, 0 if values.evaluate(call.args[0], facts, self.explorer.constants) == 0 else None)]
        if call.callee == NULL_TEST and call.args and isinstance(pointed := facts.get(call.args[0]), Fn):
            return [(state, int(pointed.name == NULL_FUNCTION))]
        what = self.event(call, facts, context)
        if what:
            found = Seen(what, call, state, context, dict(facts))
            self.seen.append(found)
            return list(self.rule(found))
        return self._settled(call, state, facts, context) if self.at_word else None

    def event(self, call: Call, facts: values.Facts, context: Context[Marks]) -> str:
        """The event that a call is, through a pointer that is known included."""
        value = facts.get(call.target) if call.target is not None else None
        name = value.name if isinstance(value, Fn) else call.callee
        what = self.words.get(name, "")
        if what == "Z" and name == "kvm_mmu_unmap_gfn_range" and self.facts.program.resolve(name, context.key[0]):
            what = ""  # it shows what it does
        if not what and self.find is not None:
            what = self.find(call, facts, context)
        return what or (self._lock(call) if self.locks else "")

    def _lock(self, call: Call) -> str:
        for effect in self.facts.vocabulary.effects.get(call.callee, ()):
            label = effect.label or (lock_label(call.args[effect.slot]) if effect.slot < len(call.args) else "")
            if label == LOCK and effect.verb is Verb.ACQUIRE:
                return LOCKS.get(effect.mode, "L.w")
            if label == LOCK and effect.verb is Verb.RELEASE:
                return "U"
            if label == LOCK and effect.verb is Verb.REQUIRE and effect.flag is None and effect.mode in LOCKS:
                return f"held.{effect.mode}"
        return ""

    def _settled(self, call: Call, state: Marks, facts: values.Facts, context: Context[Marks]) -> list[Exit] | None:
        """The exits of a callee without those that did less than others with the same result."""
        if self.explorer is None:
            return None
        self._passing = call
        exits = self.explorer.apply(call, state, facts, context)
        self._passing = None
        return [
            (marks, value)
            for marks, value in exits
            if marks != state or not any(other != state and (v == value or v is None) for other, v in exits)
        ]

    def observe(self, instr: Instr, state: Marks, facts: values.Facts, context: Context[Marks]) -> None:
        """Keep returns of the function that the walk began in; callbacks handed in a struct stay what they are."""
        for expr, value in context.facts.items():
            if isinstance(value, Fn) and expr not in facts and isinstance(instr, Call):
                facts[expr] = value
        if isinstance(instr, Assume):
            alias = facts.get(instr.cond)
            self.about = alias.expr.callee if isinstance(alias, Alias) and isinstance(alias.expr, Pred) else ""
        if (
            isinstance(instr, Return)
            and self.explorer is not None
            and (context.caller is None or state != context.state)
        ):
            known = None if instr.value is None else values.evaluate(instr.value, facts, self.explorer.constants)
            (self.left if context.caller is None else self.inner).append(Left(instr, state, context, known))

    def feasible(self, call: Call, state: Marks) -> bool:
        """Nothing that matters happens once a VM is bugged."""
        return call.callee not in BUGS_VM

    def after(self, call: Call, facts: values.Facts) -> None:
        """No results to model."""

    def branch(self, assume: Assume, state: Marks, context: Context[Marks]) -> Marks:
        """What the question says of a side of a branch."""
        return self.branched(assume, state, context) if self.branched is not None else state

    def hole(self, state: Marks) -> Marks:
        """Unknown statements may have done anything."""
        return LOST

    def unknown(self) -> Marks:
        """Callers are not shown."""
        return LOST

    @property
    def lost(self) -> bool:
        """Whether something on the way was not known, or too much met."""
        cut = self.explorer is not None and bool(self.explorer.problems)
        return cut or any("lost" in s.marks for s in self.seen)


def covered(path: str) -> bool:
    """Whether a file is one of those that are followed."""
    return covers(SCOPE, path)


def reaching(facts: Facts, wanted: frozenset[Key]) -> frozenset[Key]:
    """The functions from which some can be reached."""
    return facts.solve(
        ("model reaching", wanted), lambda: frozenset(k for k in facts.names.reaching(wanted) if covered(k[0]))
    )


def leading(facts: Facts, words: Iterable[str]) -> frozenset[Key]:
    """The functions from which something that mentions one of the words can be reached."""
    wanted = frozenset(words)
    return facts.solve(
        ("model leads to", wanted),
        lambda: reaching(facts, facts.names.where(lambda d: covered(d.path) and not d.mentions.isdisjoint(wanted))),
    )


def nearest(facts: Facts, *sets: frozenset[Key], within: Callable[[Key], bool] = lambda _: True) -> list[Key]:
    """The lowest functions that are in all sets of those that lead somewhere: where the flow that joins them is."""
    joined = frozenset.intersection(*sets)
    definitions = facts.program.definitions
    inner = {k for k in joined if definitions[k].kind == "function" and within(k)}
    return sorted(k for k in inner if not any(c in joined for c in facts.names.callees.get(k, ()) if c != k))


def lock_helpers(facts: Facts) -> frozenset[Key]:
    """The functions that take or drop mmu_lock and leave that to their callers."""

    def make() -> frozenset[Key]:
        held = HeldProperty(facts.program, facts.vocabulary, frozenset((LOCK,)), frozenset())
        fixed = {n for n, es in facts.vocabulary.effects.items() if any(e.label == LOCK for e in es)}
        named = facts.names.where(
            lambda d: covered(d.path) and (LOCK in d.mentions or not fixed.isdisjoint(d.mentions))
        )
        definitions = facts.program.definitions
        return frozenset(k for k in named if definitions[k].kind == "function" and not held.balanced(k))

    return facts.solve("model lock helpers", make)


def follow(facts: Facts, walk: Walk, entries: Iterable[Key], relevant: frozenset[Key], start: Marks = NONE) -> Walk:
    """Take a walk from some functions, into those that lead to its events, and into helpers that leave a lock taken."""
    if walk.locks:
        relevant |= lock_helpers(facts)
    program = entered_loops(facts.program, frozenset(k[1] for k in relevant) | frozenset(walk.words))
    if walk.mark is not None:
        program = marked(program, walk.mark)
    walk.explorer = Explorer(program, facts.vocabulary, walk, relevant)
    for key in entries:
        walk.explorer.enter(key, start, {})
    return walk


def op_functions(facts: Facts, op: str) -> frozenset[Key]:
    """The functions that an op of a table may be."""
    program = facts.program
    return frozenset(k for e in program.tables.get(op, ()) for k in program.resolve(e.function, e.path))


def fallible(done: Marks, failed: Marks) -> list[Exit]:
    """A SEAMCALL that succeeds, or fails."""
    return [(done, 0), (failed, NZ)]


def way(facts: Facts, context: Context[Any], call: Instr, note: str) -> tuple[Step, ...]:
    """The calls that lead to an event, and the event."""
    steps = []
    for seen, leaving in context.path()[:-1]:
        caller = facts.program.lower(seen.key)
        if caller is not None and leaving is not None:
            steps.append(step(caller, leaving, f"calls {leaving.name}()"))
    function = facts.program.lower(context.key)
    return (*steps, step(function, call, note)) if function is not None else tuple(steps)


def place(facts: Facts, seen: Seen, note: str = "") -> Step:
    """Where an event is."""
    return way(facts, seen.context, seen.call, note or shown(seen.call))[-1]


def places(facts: Facts, seen: Iterable[Seen], note: str = "") -> tuple[Step, ...]:
    """Where events are, each place once."""
    return tuple(dict.fromkeys(place(facts, s, note) for s in seen))
