"""Which locks are held, in which mode, on every path: must-held per case, with unknown kept apart from not held.

The state is a frozenset of (label, mode). Modes: ``r`` read (``R`` once an assertion confirmed it), ``w`` write, ``x``
exclusive (a mutex), ``a`` held in a mode that is not known, ``?`` not known at all. A label that is absent is known
not to be held.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from analyzer.analyses import roots
from analyzer.analyses.locks import (
    BUGS_VM,
    LOCK_VERBS,
    Assertion,
    Held,
    avoidable,
    held_mode,
    lock_label,
    operations,
    satisfies,
    with_mode,
)
from analyzer.callgraph.names import NameGraph
from analyzer.core.problem import Problem
from analyzer.dataflow import values
from analyzer.dataflow.context import Context
from analyzer.dataflow.paths import Explorer
from analyzer.dataflow.settings import pointees
from analyzer.dataflow.values import NZ, Facts, Pred
from analyzer.ir.change import Change
from analyzer.ir.effect import Effect, Verb, Vocabulary
from analyzer.ir.program import Definition, Key, Program
from analyzer.ir.types import Assume, Call, Function, Instr, Name, Return

ASSERTING_DEPTH = 2  # helpers between what is followed and an assertion
HeldExit = tuple[Held, values.Value | None]


@dataclass(slots=True)
class Sighting:
    """A call of interest in one context with what was held there."""

    call: Call
    context: Context[Held]
    held: Held
    facts: Facts


class HeldProperty:
    """The Property of must-held locks; ``watch`` names calls whose sightings are kept."""

    def __init__(self, program: Program, vocabulary: Vocabulary, labels: frozenset[str], watch: frozenset[str]) -> None:
        self.program = program
        self.vocabulary = vocabulary
        self.constants = {**vocabulary.constants, **program.constants}
        self.labels = labels
        self.watch = watch
        self.assertions: dict[tuple[str, int, str], Assertion] = {}
        self.sightings: dict[tuple[int, int, Held], Sighting] = {}

    def effects(self, call: Call) -> list[tuple[Effect, str]]:
        """The lock effects of a call with the label each is about, tracked labels only."""
        found = []
        for effect in self.vocabulary.effects.get(call.callee, ()):
            if effect.verb in LOCK_VERBS:
                label = effect.label
                arg = call.args[effect.slot] if not label and effect.slot < len(call.args) else None
                if arg is not None and not isinstance(arg, Name):  # a pointer is named as its function likes
                    label = lock_label(arg)
                if label in self.labels:
                    found.append((effect, label))
        return found

    def balanced(self, key: Key) -> bool:
        """Whether a function runs no callback, and holds on every path at its end what it held at its start."""
        function = self.program.lower(key)
        if function is None or function.kind == "macro" or any(_indirect(c, function) for c in function.calls()):
            return False
        start: tuple[int, frozenset[str]] = (0, frozenset())
        seen, work = {start}, [start]
        while work:
            block, taken = work.pop()
            held = self._taken(function.blocks[block].instrs, taken)
            if held is None:
                return False
            new = {(successor, held) for successor in function.blocks[block].successors} - seen
            seen |= new
            work += new
        return True

    def _taken(self, instrs: Iterable[Instr], held: frozenset[str]) -> frozenset[str] | None:
        """The locks taken so far after some instructions; None where a caller's is released or one is kept."""
        for instr in instrs:
            for effect, label in self.effects(instr) if isinstance(instr, Call) else ():
                if effect.verb is Verb.RELEASE and label not in held:
                    return None
                if effect.verb is not Verb.REQUIRE:
                    held = held | {label} if effect.verb is Verb.ACQUIRE else held - {label}
            if isinstance(instr, Return) and held:
                return None
        return held

    def asserts(self, key: Key) -> bool:
        """Whether a function says which lock is held."""
        function = self.program.lower(key)
        calls = function.calls() if function is not None and function.kind != "macro" else ()
        return any(e.verb is Verb.REQUIRE for c in calls for e, _ in self.effects(c))

    def through_pointer(self, call: Call, context: Context[Held]) -> list[tuple[Effect, str]]:
        """The same for a lock that a local variable points to."""
        found: list[tuple[Effect, str]] = []
        for effect in self.vocabulary.effects.get(call.callee, ()):
            arg = call.args[effect.slot] if effect.verb in LOCK_VERBS and effect.slot < len(call.args) else None
            function = self.program.lower(context.key) if isinstance(arg, Name) and not effect.label else None
            if function is not None and arg is not None and all(p.name != arg.text for p in function.params):
                label = lock_label(pointees(function).get(arg.text, arg))
                found += [(effect, label)] if label in self.labels else []
        return found

    def forwarded(self, call: Call, context: Context[Held]) -> list[tuple[Effect, str]]:
        """What a helper does to a lock whose address it is given: one of those without a branch, which name no lock."""
        given = {i: label for i, a in enumerate(call.args) if (label := lock_label(a)) in self.labels}
        if not given or call.callee in self.vocabulary.effects:
            return []
        found: list[tuple[Effect, str]] = []
        for helper in self.program.functions(self.program.resolve(call.callee, context.key[0])):
            names = {p.name: given[i] for i, p in enumerate(helper.params) if i in given and "*" in p.type}
            for inner in helper.calls() if len(helper.blocks) == 1 else ():
                for effect in self.vocabulary.effects.get(inner.callee, ()):
                    plain = effect.verb in LOCK_VERBS and not effect.label and effect.slot < len(inner.args)
                    if plain and inner.args[effect.slot].text in names:
                        found.append((effect, names[inner.args[effect.slot].text]))
        return found

    def call(self, call: Call, state: Held, facts: Facts, context: Context[Held]) -> Iterable[HeldExit] | None:
        """Locks change the state; other callees are explored."""
        effects = self.effects(call) or self.through_pointer(call, context) or self.forwarded(call, context)
        if not effects:
            others = any(e.verb in LOCK_VERBS for e in self.vocabulary.effects.get(call.callee, ()))
            return [(state, None)] if others else None
        exits: list[HeldExit] = [(state, None)]
        for effect, label in effects:
            exits = [e for s, v in exits for e in self._apply(effect, label, s, v, call, facts, context)]
        return exits

    def _apply(
        self,
        effect: Effect,
        label: str,
        state: Held,
        value: values.Value | None,
        call: Call,
        facts: Facts,
        context: Context[Held],
    ) -> list[HeldExit]:
        held = state
        mode = self._mode(effect, call, facts)
        if effect.verb is Verb.ACQUIRE:
            context.notes[label] = call
            taken = with_mode(held, label, mode)
            if effect.when:
                return [(taken, NZ), (held, 0)] if effect.when == "nonzero" else [(taken, 0), (held, NZ)]
            return [(taken, value)]
        if effect.verb is Verb.RELEASE:
            return [(with_mode(held, label, None), value)]
        kept = self._require(label, mode, held, call, context)
        return [] if kept is None else [(kept, value)]

    def _mode(self, effect: Effect, call: Call, facts: Facts) -> str:
        if effect.flag is None or effect.flag >= len(call.args):
            return effect.mode
        shared = values.truth(values.evaluate(call.args[effect.flag], facts, self.vocabulary.constants))
        return effect.mode if shared is None else "r" if shared else "w"

    def _require(self, label: str, mode: str, held: Held, call: Call, context: Context[Held]) -> Held | None:
        """An assertion proves, refines what is not known, rules a path out, or is contradicted.

        The locking contract of KVM is in its assertions (rules.md, 2). A path that already met an assertion of
        read mode and now meets one for write, or an assertion that only some paths of its function meet, is
        one that a condition on data keeps from happening: it is left open, and the path ends there (None).
        """
        assertion = self._assertion(label, call, context)
        have = held_mode(held, label)
        met = satisfies(have, mode)
        if met:
            assertion.proven.append(context)
            return with_mode(held, label, "R") if mode == "r" and have == "r" else held
        if met is None:
            assertion.unknown.append(context)
            return with_mode(held, label, "a" if mode in ("any", "") else mode)
        if have is None:
            assertion.absent.append(context)
            return held
        if not call.frames and (have == "R" or (self._chosen(label, context) and avoidable(self.program, context))):
            assertion.conditional.append(context)
            return None
        assertion.contradicted.append((context, call))
        return held

    def _chosen(self, label: str, context: Context[Held]) -> bool:
        """Whether conditions choose between modes: where the lock was taken, or where it is asserted."""
        if len(self._modes(Verb.REQUIRE, label, [context.key])) > 1:
            return True
        seen: Context[Held] | None = context
        steps = 0
        while seen is not None and label not in seen.notes:
            seen, steps = seen.caller, steps + 1
        context.up = max(context.up, steps)
        if seen is None:
            return True
        taken = seen.notes[label]
        through = isinstance(taken, Call) and not self.effects(taken)
        keys = self.program.resolve(taken.callee, seen.key[0]) if isinstance(taken, Call) and through else (seen.key,)
        return len(self._modes(Verb.ACQUIRE, label, keys)) != 1

    def _modes(self, verb: Verb, label: str, keys: Iterable[Key]) -> set[str]:
        """The modes in which some functions take or assert a lock."""
        functions = [f for k in keys if (f := self.program.lower(k)) is not None]
        effects = [e for f in functions for c in f.calls() for e in self.effects(c)]
        return {e.mode for e, word in effects if word == label and e.verb is verb}

    def _assertion(self, label: str, call: Call, context: Context[Held]) -> Assertion:
        path, line, function = context.key[0], call.line, context.key[1]
        if call.frames:
            path, line, function = call.frames[-1].path, call.frames[-1].line, call.frames[-1].macro
        identity = (path, line, call.callee)
        found = self.assertions.get(identity)
        if found is None:
            found = self.assertions[identity] = Assertion(path, line, function, call.shown, label)
        return found

    def observe(self, instr: Instr, state: Held, facts: Facts, context: Context[Held]) -> None:
        """Keep sightings of watched calls."""
        if isinstance(instr, Call):
            call = instr
            if not self.watch.isdisjoint(operations(call)):
                identity = (id(call), id(context), state)
                if identity not in self.sightings:
                    self.sightings[identity] = Sighting(call, context, state, dict(facts))
                    context.kept.append(self.sightings[identity])
        elif isinstance(instr, Assume):
            self._implied(instr, facts)

    def _implied(self, assume: Assume, facts: Facts) -> None:
        """``refcount_dec_and_test(&x)`` true: ``refcount_read(&x)`` is 0 from here (linux/refcount.h)."""
        alias = facts.get(assume.cond)
        said = alias.expr if assume.truth and isinstance(alias, values.Alias) else None
        if isinstance(said, Pred) and said.callee == "refcount_dec_and_test":
            facts[Pred("refcount_read", said.args)] = 0

    def adopt(self, context: Context[Held], since: Change) -> None:
        """Sightings stay; what was asserted is not counted again (nothing is watched where that is asked for)."""
        for sighting in context.kept:
            assert isinstance(sighting, Sighting)
            call = since.moved(context.key, sighting.call)
            assert isinstance(call, Call)
            sighting.call = call
            self.sightings[id(call), id(context), sighting.held] = sighting

    def branch(self, assume: Assume, state: Held, context: Context[Held]) -> Held:
        """Branches take no locks."""
        return state

    def after(self, call: Call, facts: Facts) -> None:
        """Which roots a walk sees."""
        roots.after(call, facts, self.constants)

    def feasible(self, call: Call, state: Held) -> bool:
        """A lock held in one mode is not released in another; nothing that matters happens once a VM is bugged."""
        if call.callee in BUGS_VM:
            return False
        for effect, label in self.effects(call):
            have = held_mode(state, label)
            if effect.verb is Verb.ACQUIRE and have in ("r", "R", "w") and not effect.when:
                return False  # would deadlock on itself
            known = have in ("r", "R", "w") and effect.mode in ("r", "w")
            if effect.verb is Verb.RELEASE and known and have is not None and have.lower() != effect.mode:
                return False
        return True

    def hole(self, state: Held) -> Held:
        """Must-facts die: nothing is known of any lock."""
        return self.unknown()

    def unknown(self) -> Held:
        """Every tracked lock may or may not be held."""
        return frozenset((label, "?") for label in self.labels)


@dataclass(slots=True)
class HeldResult:
    """What the exploration saw."""

    explorer: Explorer[Held]
    tracked: HeldProperty
    relevant: frozenset[Key]
    unknown_roots: dict[Key, str]
    problems: list[Problem]


def _indirect(call: Call, function: Function) -> bool:
    """Whether a call goes through a parameter, a variable or another expression, but not through an ops table."""
    name = call.callee
    return not call.table if not name else name in function.locals or any(p.name == name for p in function.params)


def _mentions_locks(definition: Definition, labels: frozenset[str], fixed: frozenset[str]) -> bool:
    return not definition.mentions.isdisjoint(labels) or not definition.mentions.isdisjoint(fixed)


def solve_held(
    program: Program, names: NameGraph, vocabulary: Vocabulary, labels: frozenset[str], watch: frozenset[str]
) -> HeldResult:
    """Explore the program for the locks in ``labels``, from its entry points, keeping sightings of ``watch``.

    With something to watch, functions that do not lead there and give back what they take are left out.
    In a program with holes nothing is known of the callers that are not shown: such entries are unknown.
    """
    fixed = frozenset(
        n for n, es in vocabulary.effects.items() for e in es if e.verb in LOCK_VERBS and e.label in labels
    )
    wanted = names.where(lambda d: _mentions_locks(d, labels, fixed | watch))
    tracked = HeldProperty(program, vocabulary, labels, watch)
    if watch:
        leading = names.reaching(names.where(lambda d: not d.mentions.isdisjoint(watch)))
        wanted = leading | frozenset(k for k in wanted - leading if not tracked.balanced(k))
    relevant = names.reaching(wanted)
    relevant |= _asserting(tracked, names, relevant, labels | fixed) if watch else set()
    slot = ("held", labels, watch)
    earlier = program.left.get(slot) if watch else None
    explorer = Explorer(program, vocabulary, tracked, relevant)
    if (before := _same_roots(earlier, program)) is not None:
        explorer.take_over(before, tracked.adopt)
    empty: Held = frozenset()
    unknown: dict[Key, str] = {}
    for key in names.roots(relevant):
        known = program.whole and key[1] not in program.exported
        if not known:
            unknown[key] = "its callers are in other modules" if program.whole else "callers are not shown"
        explorer.enter(key, empty if known else tracked.unknown(), {})
    _rest(program, explorer, tracked, relevant, unknown)
    program.left[slot] = explorer
    return HeldResult(explorer, tracked, relevant, unknown, explorer.problems)


def _asserting(tracked: HeldProperty, names: NameGraph, relevant: frozenset[Key], words: frozenset[str]) -> set[Key]:
    """What asserts a lock for a function that is followed, with the helpers in between."""
    found: set[Key] = set()
    for key in names.where(lambda d: not d.mentions.isdisjoint(words)) - relevant:
        ways: list[tuple[Key, ...]] = [(key,)] if tracked.asserts(key) else []
        for way in ways:
            above = names.callers.get(way[-1], ())
            if any(k in relevant for k in above):
                found.update(way)
            elif len(way) <= ASSERTING_DEPTH:
                ways += [(*way, k) for k in above]
    return found


def _same_roots(earlier: object, program: Program) -> Explorer[Held] | None:
    """An earlier exploration, if the types of roots have the same values: every walk depends on them."""
    if not isinstance(earlier, Explorer):
        return None
    old, new = earlier.program.constants, program.constants
    return earlier if all(old.get(name) == new.get(name) for name in roots.TYPES) else None


def _rest(
    program: Program, explorer: Explorer[Held], tracked: HeldProperty, relevant: frozenset[Key], unknown: dict[Key, str]
) -> None:
    """What no root led to: handlers in tables that others call start with nothing held, the rest is unknown."""
    stored = {k for es in program.tables.values() for e in es for k in program.resolve(e.function, e.path)}
    empty: Held = frozenset()
    for key in sorted(explorer.asynchronous):
        explorer.enter(key, empty if program.whole else tracked.unknown(), {})
    for key in sorted(k for k in relevant if k in stored):
        if not explorer.visited(key):
            if not program.whole:
                unknown[key] = "callers are not shown"
            explorer.enter(key, empty if program.whole else tracked.unknown(), {})
    for key in sorted(relevant):
        if not explorer.visited(key) and program.definitions[key].kind == "function":
            unknown[key] = "no call of it was found"
            explorer.enter(key, tracked.unknown(), {})
