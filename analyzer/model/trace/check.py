"""One pass over a trace: each event to the guards that care, then into what is known; verdicts at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from analyzer.core.problem import Problem, ProblemKind
from analyzer.model.trace import probes
from analyzer.model.trace.events import Event, Mapper
from analyzer.model.trace.formats import Parser
from analyzer.model.trace.guard import UNDECIDED, Breach, Guard, Monitor, Test
from analyzer.model.trace.order import Order
from analyzer.model.trace.reading import Lines, open_trace
from analyzer.model.trace.record import DEFAULT, GAP_END, LOST, Record, TraceLimits
from analyzer.model.trace.rvnames import RULE_OF
from analyzer.model.trace.status import described
from analyzer.model.trace.table import chosen
from analyzer.model.trace.update import ENTRY_CALLS, apply
from analyzer.model.trace.verdict import GuardState, Outcome, Status, TraceReport, Verdict, Violation
from analyzer.model.trace.world import PAGES, Entry, Vm, World

_STATUSES: Final = 1000  # different failures that are counted
_LOSSES: Final = 100  # told in the report; all count
_GAPS: Final = frozenset((LOST, GAP_END))
# A TD is built once: what only building does says that a struct tdx_td is used again.
_BIRTHS: Final = frozenset((probes.CREATE, probes.ADD))
_SWEEP: Final = 1 << 16  # events between two looks at the size of what is known


@dataclass(slots=True)
class _Watched:
    """A guard at work."""

    rule: str
    guard: Guard
    test: Test
    undecided: int = 0
    broken: int = 0
    violations: list[Violation] = field(default_factory=list)


@dataclass(slots=True)
class Checker:
    """The monitors over one stream of events."""

    monitors: tuple[Monitor, ...]
    limits: TraceLimits = DEFAULT
    world: World = field(default_factory=World)
    watched: list[_Watched] = field(default_factory=list)
    dispatch: dict[str, tuple[_Watched, ...]] = field(default_factory=dict)
    events: int = 0
    losses: int = 0
    alarms: int = 0
    lost: list[Event] = field(default_factory=list)
    gaps: set[int] = field(default_factory=set)  # CPUs in a gap
    unplaced: bool = False  # a loss that may have been anywhere
    last_time: int = 0
    dropped: int = 0
    tds: set[int] = field(default_factory=set)
    failures: dict[tuple[str, int], list[int]] = field(default_factory=dict)  # call, status -> how often, first line
    reported: dict[str, list[Event]] = field(default_factory=dict)  # rule -> what the kernel's own monitors said

    def __post_init__(self) -> None:
        """Compile: which guards look at which event."""
        by_event: dict[str, list[_Watched]] = {}
        for monitor in self.monitors:
            for guard in monitor.guards:
                watched = _Watched(monitor.rule, guard, guard.test)
                self.watched.append(watched)
                for what in guard.on:
                    by_event.setdefault(what, []).append(watched)
        self.dispatch = {what: tuple(guards) for what, guards in by_event.items()}

    def feed(self, event: Event) -> None:
        """One event, in the order of time."""
        what, world = event.what, self.world
        if what in _GAPS:
            self._gap(event)
            return
        self.events += 1
        self.last_time = event.record.time
        world.serial += 1
        world.seen[what] = world.seen.get(what, 0) + 1
        if what == probes.RV_ERROR:
            self._reported(event)
            return
        task = world.tasks.get(event.pid) or world.task(event.pid)
        vm = world.vm_of(event, task) if event.td or event.kvm else task.vm
        if vm is not None and vm.gone:
            vm = task.vm = None
        if vm is not None and what in _BIRTHS and event.ok and (what == probes.CREATE or vm.runnable or vm.key_freed):
            vm = task.vm = world.renew(vm)
        entry = _entry(event, vm) if vm is not None else None
        for watched in self.dispatch.get(what, ()):
            breach = watched.test(world, event, vm, entry, task)
            if breach is not None:
                self._broken(watched, breach, event)
        apply(world, event, vm, entry, task)
        if event.status and what in probes.SEAMCALLS and len(self.failures) < _STATUSES:
            self.failures.setdefault((what, event.status), [0, event.record.line])[0] += 1
        if not world.serial % _SWEEP and world.size() > self.limits.entries:
            self.dropped += 1
            self._forget()

    def _broken(self, watched: _Watched, breach: Breach, event: Event) -> None:
        if breach is UNDECIDED or (self.gaps and not watched.guard.alone):
            watched.undecided += 1
            return
        watched.broken += 1
        self.alarms += 1
        if len(watched.violations) < self.limits.breaches:
            watched.violations.append(Violation(watched.guard.name, breach.why, event, breach.shown))

    def _gap(self, event: Event) -> None:
        """Inside a gap nothing that rests on history is judged; after it, what follows is judged by what follows."""
        cpu = event.record.cpu
        if event.what == GAP_END:
            self.gaps.discard(cpu)
            self._forget()
            return
        self.losses += 1
        if len(self.lost) < _LOSSES:
            self.lost.append(event)
        if cpu < 0 or event.record.time < self.last_time:
            self.unplaced = True
        else:
            self.gaps.add(cpu)

    def _forget(self) -> None:
        self.tds |= {vm.td for vm in self.world.vms if vm.td}
        self.world = World(self.world.serial, self.world.seen)

    def _reported(self, event: Event) -> None:
        rule = RULE_OF.get(event.text)
        if rule is not None:
            self.reported.setdefault(rule, []).append(event)

    def statuses(self) -> tuple[Status, ...]:
        """The results of SEAMCALLs that were no success."""
        items = sorted(self.failures.items())
        return tuple(Status(what, described(status), *counts) for (what, status), counts in items)

    def verdicts(self, armed: Collection[str] = ()) -> Iterator[Verdict]:
        """The answer for each rule; ``armed`` are events known to have been recorded though none may have come."""
        self.tds |= {vm.td for vm in self.world.vms if vm.td}
        present = frozenset(self.world.seen) | frozenset(armed)
        for monitor in self.monitors:
            mine = [w for w in self.watched if w.rule == monitor.rule]
            states = tuple(self._state(w, present) for w in mine)
            sure = [(w, s) for w, s in zip(mine, states, strict=True) if not s.missing and self._stands(w.guard)]
            found = [v for w, _ in sure for v in w.violations]
            count = sum(s.broken for _, s in sure)
            told = self.reported.get(monitor.rule, ())
            found += [Violation("the kernel's RV monitor", f"{e.text}: {e.record.body}", e) for e in told]
            found.sort(key=lambda v: (v.event.record.time, v.event.record.line))
            outcome, reason = self._outcome(monitor, states, count + len(told))
            yield Verdict(
                monitor.rule, outcome, reason, states, tuple(found[: self.limits.breaches]), count + len(told)
            )

    def _state(self, watched: _Watched, present: frozenset[str]) -> GuardState:
        met = sum(self.world.seen.get(what, 0) for what in watched.guard.on)
        missing = watched.guard.missing(present)
        return GuardState(watched.guard.name, met, met - watched.undecided, watched.broken, missing)

    def _stands(self, guard: Guard) -> bool:
        return guard.alone or not self.unplaced

    def _outcome(self, monitor: Monitor, states: tuple[GuardState, ...], count: int) -> tuple[Outcome, str]:
        if count:
            return Outcome.VIOLATED, "events were lost; what is told was seen whole" if self.lost else ""
        if monitor.blind:
            return Outcome.NOT_OBSERVABLE, monitor.blind
        seen = [s for s in states if not s.missing]
        if not seen:
            return Outcome.NOT_OBSERVABLE, "no recorded event could show it"
        if self.lost:
            first = self.lost[0].record
            begin = f"{first.time // 10**9}.{first.time % 10**9 // 1000:06d}"
            return Outcome.UNKNOWN, f"events are missing from {begin} on (line {first.line}), {self.losses} gaps in all"
        if self.dropped:
            return Outcome.UNKNOWN, f"more than {self.limits.entries} things to follow; what was known was dropped"
        decided = sum(s.decided for s in seen)
        if not decided:
            return Outcome.UNKNOWN, "none of its events could be judged: what they rest on is not in the trace"
        in_part = f"in part: {len(seen)} of {len(states)} guards could be decided" if len(seen) < len(states) else ""
        return Outcome.CONFORMS, in_part


def _entry(event: Event, vm: Vm) -> Entry | None:
    """The S-EPT entry an event is about."""
    if event.what in ENTRY_CALLS:
        return vm.entry(event.gfn & -PAGES.get(event.level, 1), event.level)
    if event.what == probes.SPTE:
        return vm.known(event.gfn & -PAGES.get(event.level, 1), event.level)
    return None


def events_of(lines: Iterable[list[str]], parser: Parser, mapper: Mapper, order: Order) -> Iterator[Event]:
    """The events of a trace, in the order of time."""
    make: Callable[[Record], Event | None] = mapper.event
    for records in order.sorted(parser.records(chunk) for chunk in lines):
        for record in records:
            event = make(record)
            if event is not None:
                yield event


def check_trace(
    source: str | Path | BinaryIO,
    *,
    rules: tuple[str, ...] = (),
    armed: Collection[str] = (),
    limits: TraceLimits = DEFAULT,
    name: str = "",
    hear: Callable[[Event, bool], None] | None = None,
) -> TraceReport:
    """Check a recorded trace against the rules.

    ``source`` is a path (plain or gzip), ``-`` for standard input, or a binary stream; the format is recognised.
    ``rules`` are rule ids, all when empty; ``armed`` are events (names of `probes`) whose probes are known to have
    been on. ``hear`` is given every event in order, and whether a monitor objects to it. No input raises; a file that
    cannot be opened is an AnalyzerError.
    """
    if source == "-":
        return check_trace(sys.stdin.buffer, rules=rules, armed=armed, limits=limits, name=name, hear=hear)
    if isinstance(source, str | Path):
        with open_trace(source) as stream:
            return check_trace(stream, rules=rules, armed=armed, limits=limits, name=name or str(source), hear=hear)
    where = name or "standard input"
    lines, parser, mapper = Lines(where, limits), Parser(), Mapper()
    order, checker = Order(limits.window), Checker(chosen(rules), limits)
    for event in events_of(lines.read(source), parser, mapper, order):
        alarms = checker.alarms
        checker.feed(event)
        if hear is not None:
            hear(event, checker.alarms > alarms)
        if checker.events >= limits.events:
            lines.lose(ProblemKind.TOO_LARGE, f"only the first {limits.events} events were checked")
            break
    problems = (*lines.problems, *parser.problems(where), *_problems(where, parser, mapper, order, checker))
    verdicts = tuple(checker.verdicts(parser.armed.union(armed)))
    recorded = frozenset(checker.world.seen).union(parser.armed, armed)
    return TraceReport(
        where, parser.format, parser.lines, parser.found, checker.events, len(checker.tds),
        tuple(sorted(checker.world.seen.items())), tuple(checker.lost), checker.statuses(), verdicts, problems,
        recorded, checker.unplaced or order.late > 0 or mapper.unreadable > 0,
    )  # fmt: skip


def _problems(where: str, parser: Parser, mapper: Mapper, order: Order, checker: Checker) -> Iterator[Problem]:
    if mapper.unreadable:
        first = f"the first is line {mapper.first_unreadable}"
        detail = f"{mapper.unreadable} events lack an argument or hold one that is no number, {first}"
        yield Problem(ProblemKind.MALFORMED, where, detail)
    if order.late:
        detail = f"{order.late} records come too late for the {order.window} that are put in order; merge them by time"
        yield Problem(ProblemKind.MALFORMED, where, detail)
    if checker.losses:
        amount = sum(
            int(e.record.body[:15]) for e in checker.lost if e.record.body.isascii() and e.record.body.isdigit()
        )
        known = f", {amount} or more events" if amount else ""
        yield Problem(ProblemKind.PARTIAL, where, f"events were lost {checker.losses} times{known}")
    if not parser.found:
        yield Problem(ProblemKind.MALFORMED, where, "no line is an event of a known trace format")
    elif not checker.events:
        yield Problem(ProblemKind.PARTIAL, where, "none of the recorded events is one that a rule uses")
