"""Sleeping in atomic context: calls that may sleep where a spinlock is held or an RCU read section is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from analyzer.analyses.locks import Held, lock_label
from analyzer.analyses.regions import Change, LockChanges, Regions, one_sided_helpers, spelled, taken
from analyzer.analyses.sleeping import Sleepers, Sleeping
from analyzer.callgraph.names import NameGraph
from analyzer.dataflow.context import Context
from analyzer.dataflow.paths import Explorer
from analyzer.dataflow.values import Facts
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
        self.returning: set[str] = set()
        sleepy = words.sleepers.mentioning(names)
        words_taken = frozenset(n for n in words.spinning if "unlock" not in n and "UNLOCK" not in n)
        taking = spelled(words.spinning | words.asserting)
        self.takers = names.where(lambda d: not d.mentions.isdisjoint(taking))
        self.wrappers = one_sided_helpers(names, words_taken, words.spinning - words_taken)
        self.sleepy = names.reaching(sleepy)
        self.names = names
        self.vocabulary = vocabulary

    def changes(self, call: Call, function: Function | None) -> list[Change]:
        """Lock calls; assertions are believed where nobody of the program was followed to them."""
        if call.callee in self.words.asserting and call.args:
            label = lock_label(call.args[0])
            label = "mmu_lock" if "mmu_lock" in call.callee else label
            return [Change(label, True, said=True)] if self.spins(label) else []
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
        self.calls.add(id(instr))
        for label in taken(state):
            if label != self.sleeping.spares(instr):
                self.found.setdefault((id(instr), id(context), label), Slept(instr, context, label))

    def run(self) -> Atomic:
        """Explore from each function that takes something, and from the callers of those that return with it."""
        starts = self.starts(self.takers | self.wrappers)
        self.explore(starts)
        late = frozenset(k for k in starts if k not in self.wrappers and self.keeps(k))
        if late:  # a condition decides whether they return with it: their callers have to be seen again
            self.wrappers |= late
            self.explore(self.starts(late))
        return Atomic(list(self.found.values()), len(starts), len(self.calls))

    def starts(self, keys: frozenset[Key]) -> list[Key]:
        """Functions to begin with: those that can sleep, and the callers of those that return with something."""
        callers = {c for k in keys & self.wrappers for c in self.names.callers.get(k, ())}
        able = self.sleepy | self.wrappers
        return sorted(k for k in keys | callers if k in able and self.program.definitions[k].kind == "function")

    def explore(self, starts: list[Key]) -> None:
        """Each start with nothing held."""
        self.returning = {name for _, name in self.wrappers}
        regions = Regions(self.program, self.changes, self.visit, self.skips)
        self.explorer = Explorer(self.program, self.vocabulary, regions, self.sleepy | self.wrappers)
        for key in starts:
            self.explorer.enter(key, frozenset(), {})

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
