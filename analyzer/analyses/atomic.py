"""Sleeping in atomic context: calls that may sleep where a spinlock is held or an RCU read section is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from analyzer.analyses.locks import Held, lock_label
from analyzer.analyses.regions import LockChanges, RegionChange, Regions, one_sided_helpers, spelled, taken
from analyzer.analyses.sleeping import Sleepers, Sleeping
from analyzer.callgraph.names import NameGraph
from analyzer.dataflow.context import Context
from analyzer.dataflow.paths import Explorer
from analyzer.dataflow.values import Facts
from analyzer.ir import change
from analyzer.ir.effect import Vocabulary
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Call, Function, Instr


@dataclass(frozen=True, slots=True)
class Slept:
    """A call that may sleep, the label it must not be under, and how it is reached."""

    call: Call
    context: Context[Held]
    label: str


@dataclass(frozen=True, slots=True)
class AtomicWords:
    """``spinning``: calls that take and give what nobody may sleep under; ``asserting``: that say a lock is held;
    ``ends``: what suspends the caller's page faults, so that copies from user space return instead of sleeping."""

    spinning: frozenset[str]
    asserting: frozenset[str]
    sleepers: Sleepers


@dataclass(slots=True)
class Atomic:
    """The answer, and what was looked at: functions that take something, sleeping calls seen with nothing held."""

    slept: list[Slept] = field(default_factory=list)
    regions: int = 0
    calls: int = 0


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that may sleep as a context saw it: with these labels taken."""

    call: Call
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Left:
    """What an exploration leaves to that of the next program, with the answers that it rests on."""

    explorer: Explorer[Held]
    returning: frozenset[str]
    slots: Mapping[Key, int | None]
    spinning: Mapping[str, bool]


class _Atomic:
    def __init__(
        self,
        program: Program,
        names: NameGraph,
        vocabulary: Vocabulary,
        words: AtomicWords,
        spins: Callable[[str], bool],
    ) -> None:
        self.program = program
        self.words = words
        self.spins = spins
        self.sleeping = Sleeping(program, words.sleepers)
        self.locks = LockChanges(vocabulary, words.spinning, program)
        self.found: dict[tuple[int, int, str], Slept] = {}
        self.calls: set[int] = set()
        self.returning: frozenset[str] = frozenset()
        self.spinning: dict[str, bool] = {}
        sleepy = words.sleepers.mentioning(names, program)
        words_taken = frozenset(n for n in words.spinning if "unlock" not in n and "UNLOCK" not in n)
        taking = spelled(words.spinning | words.asserting)
        self.takers = names.where(lambda d: not d.mentions.isdisjoint(taking))
        self.wrappers = one_sided_helpers(names, words_taken, words.spinning - words_taken)
        self.sleepy = names.reaching(sleepy)
        self.names = names
        self.vocabulary = vocabulary

    def changes(self, call: Call, function: Function | None) -> list[RegionChange]:
        """Lock calls; assertions are believed where nobody of the program was followed to them."""
        if call.callee in self.words.asserting and call.args:
            label = lock_label(call.args[0])
            label = "mmu_lock" if "mmu_lock" in call.callee else label
            if label not in self.spinning:
                self.spinning[label] = self.spins(label)
            return [RegionChange(label, True, said=True)] if self.spinning[label] else []
        return list(self.locks(call, function))

    def skips(self, call: Call, state: Held) -> bool:
        """With nothing held, only what may return with a lock is looked into."""
        return not taken(state) and call.callee not in self.returning

    def visit(self, instr: Instr, state: Held, facts: Facts, context: Context[Held]) -> None:
        """Keep a sleeping call with something held."""
        if not isinstance(instr, Call):
            return
        function = self.program.lower(context.key)
        if function is None or not self.sleeping.sleeps(instr, function):
            return
        seen = _Call(instr, tuple(taken(state)))
        if not any(k.call is instr and k.labels == seen.labels for k in context.kept if isinstance(k, _Call)):
            self.keep(seen, context)

    def keep(self, seen: _Call, context: Context[Held]) -> None:
        """Note a sleeping call, and in its context that it was seen."""
        call = seen.call
        context.kept.append(seen)
        self.calls.add(id(call))
        for label in seen.labels:
            if label != self.sleeping.spares(call):
                self.found.setdefault((id(call), id(context), label), Slept(call, context, label))

    def adopt(self, context: Context[Held], since: change.Change) -> None:
        """The same calls, where they stand now."""
        kept, context.kept = context.kept, []
        for seen in kept:
            assert isinstance(seen, _Call)
            call = since.moved(context.key, seen.call)
            assert isinstance(call, Call)
            self.keep(_Call(call, seen.labels), context)

    def run(self) -> Atomic:
        """Explore from each function that takes something, and from the callers of those that return with it."""
        starts = self.starts(self.takers | self.wrappers)
        self.explore(starts)
        late = frozenset(k for k in starts if k not in self.wrappers and self.keeps(k))
        if late:  # a condition decides whether they return with it: their callers have to be seen again
            self.wrappers |= late
            self.explore(self.starts(late), final=True)
        return Atomic(list(self.found.values()), len(starts), len(self.calls))

    def starts(self, keys: frozenset[Key]) -> list[Key]:
        """Functions to begin with: those that can sleep, and the callers of those that return with something."""
        callers = {c for k in keys & self.wrappers for c in self.names.callers.get(k, ())}
        able = self.sleepy | self.wrappers
        return sorted(k for k in keys | callers if k in able and self.program.definitions[k].kind == "function")

    def explore(self, starts: list[Key], final: bool = False) -> None:
        """Each start with nothing held. ``final``: the second time."""
        self.returning = frozenset(name for _, name in self.wrappers)
        regions = Regions(self.program, self.changes, self.visit, self.skips)
        self.explorer = Explorer(self.program, self.vocabulary, regions, self.sleepy | self.wrappers)
        slot = ("atomic", final)
        earlier = self.program.left.get(slot)
        if isinstance(earlier, _Left) and all(self.spins(label) is said for label, said in earlier.spinning.items()):
            flags = {key[1] for key, slot in earlier.slots.items() if self._slot(key) != slot}
            self.explorer.take_over(earlier.explorer, self.adopt, flags | (earlier.returning ^ self.returning))
            self.spinning.update(earlier.spinning)
        for key in starts:
            self.explorer.enter(key, frozenset(), {})
        self.program.left[slot] = _Left(self.explorer, self.returning, self.sleeping.slots, self.spinning)

    def _slot(self, key: Key) -> int | None:
        return self.sleeping.slot_of(key) if key in self.program.definitions else None

    def keeps(self, key: Key) -> bool:
        """Whether a function may return with what it took itself, and its result tells when."""
        for context in self.explorer.contexts.get(key, {}).values():
            if context.state:
                continue
            own = {n for n, i in context.notes.items() if isinstance(i, Call) and i.callee not in self.words.asserting}
            kept = {value for state, value in context.exits if not own.isdisjoint(taken(state))}
            given = {value for state, value in context.exits if own.isdisjoint(taken(state))}
            if kept and (not given or (None not in kept | given and kept.isdisjoint(given))):
                return True
        return False


def solve_atomic(
    program: Program, names: NameGraph, vocabulary: Vocabulary, words: AtomicWords, spins: Callable[[str], bool]
) -> Atomic:
    """Where a program may sleep with a spinning lock held; ``spins`` tells the kind of a lock that is asserted."""
    return _Atomic(program, names, vocabulary, words, spins).run()
