"""Regions of code between calls that take and give something (a lock, RCU, masked interrupts), followed along paths.

The state is a frozenset of (label, mode). The mode counts how often the label was taken on the path (``1``, ``2``);
``-`` says that it was given back as often as it was taken, ``<`` that a caller's was given back. A label that is absent
was not touched: what the caller of the first function had still holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from analyzer.analyses.locks import BUGS_VM, Held, held_mode, lock_label, with_mode
from analyzer.callgraph.names import NameGraph
from analyzer.dataflow.context import Context
from analyzer.dataflow.settings import pointees
from analyzer.dataflow.values import NZ, Facts, Value
from analyzer.ir.effect import Verb, Vocabulary
from analyzer.ir.guards import GUARDS
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Addr, Assume, Call, Function, Instr, Name

MOST = 3  # nesting told apart
IN, OUT, BELOW = "1", "-", "<"


@dataclass(frozen=True, slots=True)
class RegionChange:
    """What a call does to a label: ``take`` or give; ``when`` is the truth of its result for which it does.

    ``said``: it takes nothing, but says that the label is held.
    """

    label: str
    take: bool
    when: str = ""
    said: bool = False


Changes = Callable[[Call, Function | None], Iterable[RegionChange]]
Visit = Callable[[Instr, Held, Facts, Context[Held]], None]
Skips = Callable[[Call, Held], bool]


def inside(state: Held, label: str) -> bool:
    """Whether the label was taken on this path and is not given back."""
    mode = held_mode(state, label)
    return mode is not None and mode not in (OUT, BELOW)


def taken(state: Held) -> list[str]:
    """The labels the path is inside of, in order."""
    return sorted(label for label, mode in state if mode not in (OUT, BELOW))


def after_change(state: Held, change: RegionChange) -> Held:
    """The state once a label is taken or given."""
    mode = held_mode(state, change.label)
    if change.said and inside(state, change.label):
        return state
    depth = int(mode) if mode is not None and mode not in (OUT, BELOW) else 0
    if change.take:
        return with_mode(state, change.label, str(min(depth + 1, MOST)))
    if depth > 1:
        return with_mode(state, change.label, str(depth - 1))
    return with_mode(state, change.label, OUT if depth else mode if mode == OUT else BELOW)


class Regions:
    """The Property of regions. ``visit`` sees each instruction; ``skips`` says which callees are not looked into."""

    def __init__(self, program: Program, changes: Changes, visit: Visit, skips: Skips) -> None:
        self.program = program
        self.changes = changes
        self.visit = visit
        self.skips = skips
        self._known: dict[int, tuple[Call, tuple[RegionChange, ...]]] = {}

    def of(self, call: Call, context: Context[Held]) -> tuple[RegionChange, ...]:
        """What a call changes, remembered."""
        known = self._known.get(id(call))
        if known is None:
            known = self._known[id(call)] = (call, tuple(self.changes(call, self.program.lower(context.key))))
        return known[1]

    def call(
        self, call: Call, state: Held, facts: Facts, context: Context[Held]
    ) -> Iterable[tuple[Held, Value | None]] | None:
        """Takes and gives change the state; other callees are explored unless skipped."""
        changes = self.of(call, context)
        if not changes:
            return [(state, None)] if self.skips(call, state) else None
        exits: list[tuple[Held, Value | None]] = [(state, None)]
        for change in changes:
            if change.said and context.caller is not None:
                continue  # its caller was followed and is known to hold it or not
            context.notes[change.label if change.take else f"{change.label} given"] = call
            done = [(after_change(s, change), v) for s, v in exits]
            if change.when:
                yes, no = (NZ, 0) if change.when == "nonzero" else (0, NZ)
                done = [*((s, yes) for s, _ in done), *((s, no) for s, _ in exits)]
            exits = done
        return exits

    def observe(self, instr: Instr, state: Held, facts: Facts, context: Context[Held]) -> None:
        """Hand it on."""
        self.visit(instr, state, facts, context)

    def feasible(self, call: Call, state: Held) -> bool:
        """Nothing that matters happens once a VM is bugged."""
        return call.callee not in BUGS_VM

    def after(self, call: Call, facts: Facts) -> None:
        """Results say nothing more."""

    def branch(self, assume: Assume, state: Held, context: Context[Held]) -> Held:
        """Branches take nothing."""
        return state

    def hole(self, state: Held) -> Held:
        """What was not shown may have given everything back; nothing is held for sure."""
        return frozenset()

    def unknown(self) -> Held:
        """As a caller that is not known left it."""
        return frozenset()


def spelled(names: frozenset[str]) -> frozenset[str]:
    """The words by which calls may stand in the source: their own names, and those of guards that make them."""
    return names | frozenset(word for word, pair in GUARDS.items() if not names.isdisjoint(pair))


def one_sided_helpers(names: NameGraph, takes: frozenset[str], gives: frozenset[str]) -> frozenset[Key]:
    """Functions that seem to return with something taken, or given, judged by words: they have one side of a pair."""
    definitions = names.program.definitions
    found: dict[Key, bool] = {}

    def sides(key: Key) -> tuple[bool, bool]:
        others = [(k[1], side) for k, side in found.items() if k != key]
        words = definitions[key].mentions
        taking = not words.isdisjoint(takes) or any(side and name in words for name, side in others)
        return taking, not words.isdisjoint(gives) or any(not side and name in words for name, side in others)

    asked = set(names.where(lambda d: not d.mentions.isdisjoint(takes | gives)))
    while asked and len(found) < MOST_ONE_SIDED:
        new = {k: taking for k in asked for taking, giving in (sides(k),) if taking is not giving}
        found.update(new)
        asked = {caller for k in new for caller in names.callers.get(k, ())} - found.keys()
    # one that was asked before the other side of its pair was known
    return frozenset(k for k in found for taking, giving in (sides(k),) if taking is not giving)


MOST_ONE_SIDED = 400


class LockChanges:
    """The changes that lock calls of a vocabulary make, restricted to some names; labels are fields of locks.

    With a program also those of a helper without a branch that is given the address of a lock.
    """

    def __init__(self, vocabulary: Vocabulary, names: frozenset[str], program: Program | None = None) -> None:
        self.program = program
        self.effects = {
            n: tuple(e for e in es if e.verb in (Verb.ACQUIRE, Verb.RELEASE))
            for n, es in vocabulary.effects.items()
            if n in names
        }

    def __call__(self, call: Call, function: Function | None) -> Iterable[RegionChange]:
        """The changes of one call."""
        for effect in self.effects.get(call.callee, ()):
            label = effect.label or (label_of(call, effect.slot, function) if effect.slot < len(call.args) else "")
            if label:
                yield RegionChange(label, effect.verb is Verb.ACQUIRE, effect.when)
        if self.program is not None and function is not None and any(isinstance(a, Addr) for a in call.args):
            yield from self.handed(call, self.program, function)

    def handed(self, call: Call, program: Program, function: Function) -> Iterable[RegionChange]:
        """What a helper does to the locks whose addresses it is given."""
        for key in program.resolve(call.callee, function.path) if call.callee not in self.effects else ():
            helper = None if program.definitions[key].mentions.isdisjoint(self.effects) else program.lower(key)
            if helper is None or len(helper.blocks) != 1:
                continue
            given = {p.name: label_of(call, i, function) for i, p in enumerate(helper.params[: len(call.args)])}
            for inner in helper.calls():
                for effect in self.effects.get(inner.callee, ()):
                    own = not effect.label and effect.slot < len(inner.args)
                    if own and (label := given.get(inner.args[effect.slot].text, "")):
                        yield RegionChange(label, effect.verb is Verb.ACQUIRE, effect.when)


def label_of(call: Call, slot: int, function: Function | None) -> str:
    """The lock an argument is, through a local variable that points to it."""
    arg = call.args[slot]
    if isinstance(arg, Name) and function is not None:
        if any(p.name == arg.text for p in function.params):
            return ""  # the caller knows which one
        arg = pointees(function).get(arg.text, arg)
    return lock_label(arg)
