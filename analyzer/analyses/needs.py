"""Calls that need something held (RCU, masked interrupts): who reaches them without, followed from use to entry.

A function that meets a need neither itself nor before the call passes it on to its callers; so only the few functions
between uses and those who hold are looked at. At an entry point that nobody calls the need is not met.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from analyzer.analyses.locks import Held, held_mode
from analyzer.analyses.outlived import Outlived, Section, follows, hands_on, outlived
from analyzer.analyses.regions import BELOW, OUT, RegionChange, Regions, inside, spelled
from analyzer.callgraph.names import NameGraph
from analyzer.dataflow.context import Context
from analyzer.dataflow.paths import Explorer
from analyzer.dataflow.values import Facts
from analyzer.ir.effect import Vocabulary
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Assign, Call, Function, Instr, Return

Need = Callable[[Call, Function], frozenset[str]]  # the labels of which one must be held; empty: no need
Changes = Callable[[Call, Function | None], Iterable[RegionChange]]
MOST_ROUNDS = 4000


@dataclass(frozen=True, slots=True)
class Unmet:
    """A call whose need is not met on a path; ``given``: something on the path gave it back before."""

    call: Call
    context: Context[Held]
    labels: frozenset[str]
    given: bool
    below: bool

    @property
    def length(self) -> int:
        """How many calls lead there."""
        return len(self.context.path())


@dataclass(slots=True)
class Needs:
    """What is asked: ``direct`` are the functions with calls that need something, ``wrappers`` those that return with
    something taken or given; ``through`` the loop macros that call a function, by its name."""

    program: Program
    names: NameGraph
    vocabulary: Vocabulary
    need: Need
    changes: Changes
    direct: frozenset[Key]
    wrappers: frozenset[Key] = frozenset()
    through: Mapping[str, frozenset[str]] = field(default_factory=dict)
    looked_at: int = 0
    called: set[Key] = field(default_factory=set)
    later: set[Key] = field(default_factory=set)
    open: dict[Key, tuple[Unmet, ...]] = field(default_factory=dict)
    broken: dict[tuple[int, frozenset[str]], Unmet] = field(default_factory=dict)

    def solve(self) -> Needs:
        """Pass needs on to callers until nobody is new."""
        work = deque(sorted(k for k in self.direct if self.program.definitions[k].kind == "function"))
        queued = set(work)
        rounds = 0
        while work and rounds < MOST_ROUNDS:
            rounds += 1
            key = work.popleft()
            queued.discard(key)
            before = key in self.open
            if self._explore(key) and not before:
                for caller in self._callers(key):
                    if caller not in queued:
                        queued.add(caller)
                        work.append(caller)
        return self

    def outlived(self, reads: frozenset[str], takes: frozenset[str], gives: frozenset[str]) -> Iterator[Outlived]:
        """Pointers that outlive a section in which a function reads them itself."""
        section = Section(takes, gives, reads)
        direct = self.names.where(lambda d: not d.mentions.isdisjoint(section.reads))
        words = spelled(takes)
        taking = self.names.where(lambda d: not d.mentions.isdisjoint(words))
        for key in sorted(direct & taking):
            function = self.program.lower(key) if self.program.definitions[key].kind == "function" else None
            for found in outlived(function, section) if function is not None else ():
                if not isinstance(found.instr, Return) or self._followed(key, section):
                    yield found

    def _followed(self, key: Key, section: Section) -> bool:
        """Whether a caller follows, with no section of its own, the pointer that a function returns."""
        words = spelled(section.takes)
        callers = [k for k in self._callers(key) if self.program.definitions[k].mentions.isdisjoint(words)]
        for caller in self.program.functions(callers):
            made = {c.result.text for c in caller.calls() if c.callee == key[1] and c.result is not None}
            instrs = [i for b in caller.blocks for i in b.instrs]
            made |= {i.target.text for i in instrs if isinstance(i, Assign) and i.value.text in made}
            if any(follows(i, name) or hands_on(i, name) for i in instrs for name in made):
                return True
        return False

    def entries(self) -> Iterable[tuple[Key, Unmet]]:
        """Needs that are not met at a function which nobody of the program calls; the callers of one that is exported
        are not known."""
        stored = {
            k for es in self.program.tables.values() for e in es for k in self.program.resolve(e.function, e.path)
        }
        for key, unmet in self.open.items():
            if key in self.called or key[1] in self.program.exported or key[0].endswith(".h"):
                continue  # an inline of a header that nobody calls is no entry
            if key in stored or key in self.later or not self._callers(key):
                yield from ((key, u) for u in unmet)

    def _callers(self, key: Key) -> list[Key]:
        """The functions that mention one, directly or through macros."""
        loops = self.through.get(key[1], frozenset())
        found = dict.fromkeys(self.names.where(lambda d: not d.mentions.isdisjoint(loops)) if loops else ())
        work, seen = [key], {key}
        while work:
            for caller in self.names.callers.get(work.pop(), ()):
                if self.program.definitions[caller].kind == "function":
                    found[caller] = None
                elif caller not in seen:
                    seen.add(caller)
                    work.append(caller)
        found.pop(key, None)
        return sorted(k for k in found if self.program.definitions[k].kind == "function")

    def _runners(self, key: Key) -> frozenset[Key]:
        """What a function hands functions with a need to: these run in the state of the one that calls them."""
        names = {k[1] for k in self.open}
        if self.program.definitions[key].mentions.isdisjoint(names):
            return frozenset()
        function = self.program.lower(key)
        calls = [c for c in function.calls() if c.callee] if function is not None else []
        handed = [c for c in calls if any(not a.names.isdisjoint(names) for a in c.args)]
        return frozenset(k for c in handed for k in self.program.resolve(c.callee, key[0]))

    def _explore(self, key: Key) -> bool:
        """Whether a function leaves a need to its callers."""
        self.looked_at += 1
        found: dict[tuple[int, Held], Unmet] = {}

        def visit(instr: Instr, state: Held, facts: Facts, context: Context[Held]) -> None:
            function = self.program.lower(context.key) if isinstance(instr, Call) else None
            labels = self.need(instr, function) if isinstance(instr, Call) and function is not None else frozenset()
            if isinstance(instr, Call) and labels and not any(inside(state, label) for label in labels):
                modes = {held_mode(state, label) for label in labels}
                found.setdefault(
                    (id(instr), state),
                    Unmet(instr, context, labels, not modes.isdisjoint((OUT, BELOW)), BELOW in modes),
                )

        regions = Regions(self.program, self.changes, visit, lambda call, state: False)
        relevant = frozenset(self.open) | self.direct | self.wrappers | self._runners(key)
        explorer = Explorer(self.program, self.vocabulary, regions, relevant)
        explorer.enter(key, frozenset(), {})
        self.called |= {k for k in explorer.contexts if k != key}
        self.later |= explorer.asynchronous
        for unmet in found.values():
            if unmet.below:
                self.broken.setdefault((id(unmet.call), unmet.labels), unmet)
        rest = tuple(u for u in found.values() if not u.below)
        if rest:
            self.open[key] = rest
        return bool(rest)
