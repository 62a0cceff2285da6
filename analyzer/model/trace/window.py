"""Replay of a window of a trace on the model: what is kept of the trace, and the answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from analyzer.model.trace import probes
from analyzer.model.trace.acts import KEPT, Vm, owners
from analyzer.model.trace.events import Event
from analyzer.model.trace.follow import STATES, follower
from analyzer.model.trace.record import GAP_END, LOST
from analyzer.model.trace.unit import Followed, Unit, units
from analyzer.model.trace.verdict import Outcome

SHORT: Final = 50_000  # a trace of so many events is replayed whole
MOST: Final = 2_000_000  # kept at a time; more is replayed in part
WINDOWS: Final = 10
AROUND: Final = 4_000  # events in front of an alarm; a quarter of it behind
STOPS: Final = 10  # told of one window
_GAPS: Final = frozenset((LOST, GAP_END))
_INVALIDATION: Final = frozenset((probes.INV_BEGIN, probes.INV_RANGE, probes.INV_END))
_GUEST: Final = frozenset((probes.ENTER, probes.LEAVE))
_CORE: Final = frozenset((probes.AUG, probes.BLOCK, probes.REMOVE))  # without one nothing can be followed
_BY_VM: Final = _INVALIDATION | {probes.KICK, probes.PFN_ASKED, probes.PFN_GIVEN, probes.WRITE_LOCK}
# What cannot be decided without a probe.
NEEDED: Final[dict[str, str]] = {
    probes.AUG: "what is mapped",
    probes.BLOCK: "which entries are blocked",
    probes.TRACK: "whether TLB tracking was done",
    probes.KICK: "whether vCPUs were kicked after it",
    probes.REMOVE: "what is removed",
    probes.DEMOTE: "whether a 2M entry was split",
    probes.INV_BEGIN: "when invalidations begin",
    probes.INV_RANGE: "which pages they are for",
    probes.INV_END: "when they end",
    probes.ATTRIBUTES: "which of its ranges a conversion empties",
    probes.PFN_ASKED: "whether a fault looked at its PFN again after an invalidation",
    probes.ENTER: "whether a vCPU enters while it is kept out",
    probes.LEAVE: "which faults carry an ACCEPT level",
}


@dataclass(slots=True)
class Window:
    """Events that are replayed together: the ones a replay uses, of all that the trace has there."""

    first: int  # line
    last: int = 0
    alarm: Event | None = None
    events: list[tuple[int, Event]] = field(default_factory=list)
    left: int = 0  # events still to come
    cut: bool = False  # more events than can be kept


@dataclass(slots=True)
class Keeper:
    """Keeps what may be replayed while monitors run: the whole trace while it is short, else what is around alarms."""

    exact: bool = False
    around: int | None = None  # events in front of an alarm; with it the whole trace is not replayed
    count: int = 0
    whole: list[tuple[int, Event]] | None = field(default_factory=list)
    ring: deque[tuple[int, Event]] = field(default_factory=deque)
    windows: list[Window] = field(default_factory=list)
    alarms: int = 0
    cut: bool = False

    def __post_init__(self) -> None:
        """Only what is around alarms, where that was asked for."""
        self.ring = deque(maxlen=self.around or AROUND)
        if self.around and not self.exact:
            self.whole = None

    def hear(self, event: Event, alarm: bool) -> None:
        """One event in the order of time, and whether a monitor objects to it."""
        self.count += 1
        item = (self.count, event)
        kept = event.what in KEPT or event.what in _GAPS
        if self.whole is not None and kept:
            self._all(item)
        if not kept and not alarm:
            return
        self.alarms += alarm
        if self.windows and self.windows[-1].left > 0:
            self._more(item)
        elif alarm and len(self.windows) < WINDOWS:
            events = [*self.ring, item]
            self.windows.append(
                Window(events[0][1].record.line, event.record.line, event, events, (self.around or AROUND) // 4)
            )
        self.ring.append(item)

    def _all(self, item: tuple[int, Event]) -> None:
        assert self.whole is not None
        if len(self.whole) < (MOST if self.exact else SHORT):
            self.whole.append(item)
        elif self.exact:
            self.cut = True
        else:
            self.whole = None

    def _more(self, item: tuple[int, Event]) -> None:
        window = self.windows[-1]
        window.events.append(item)
        window.last = item[1].record.line
        window.left -= 1

    def chosen(self) -> list[Window]:
        """What is to be replayed."""
        if self.whole is None:
            return self.windows
        if not self.whole:
            return []
        first, last = self.whole[0][1].record.line, self.whole[-1][1].record.line
        return [Window(first, last, None, self.whole, 0, self.cut)]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says of one window."""

    first: int
    last: int
    alarm: Event | None
    outcome: Outcome
    reason: str
    stops: tuple[Followed, ...] = ()
    count: int = 0  # stops, told or not
    regions: int = 0
    entries: int = 0  # groups of entries that were followed
    events: int = 0  # steps taken on the model
    restarts: int = 0
    peak: int = 0  # states compatible with what was seen, at most
    missing: tuple[tuple[str, str], ...] = ()  # probe, what cannot be decided without it
    threads: int = 0  # that run the guest, more than the model follows with one entry


def replay(window: Window, recorded: Collection[str], unplaced: bool = False) -> Answer:
    """Follow every region of a window on the model."""
    vms = dict(_vms(window.events, frozenset(recorded)))
    gaps = tuple(at for at, event in window.events if event.what in _GAPS)
    answer = Answer(window.first, window.last, window.alarm, Outcome.UNKNOWN, "")
    if unplaced:
        return replace(answer, reason="events are missing or out of order, and the trace does not say where")
    followed: list[Followed] = []
    peak, regions, threads = 0, 0, 0
    for vm in vms.values():
        regions += len(vm.regions)
        threads = max(threads, len(vm.moved))
        for region in vm.regions if vm.recorded >= _CORE else ():
            for pages, acts, vcpus in units(vm, region):
                run = follower(max(1, len(vcpus)), len(pages), vm.recorded & KEPT)
                unit = Unit(vm, region, pages, acts, run, vcpus)
                followed.append(unit.follow(gaps))
                peak = max(peak, run.peak)
    stops = _once(followed)
    told = replace(
        answer, stops=tuple(stops[:STOPS]), count=len(stops), regions=regions, entries=len(followed),
        events=sum(one.events for one in followed), restarts=sum(one.restarts for one in followed), peak=peak,
        missing=tuple(_missing(vms.values(), recorded)), threads=threads,
    )  # fmt: skip
    overflow = next((one.overflow for one in followed if one.overflow is not None), None)
    outcome, reason = _outcome(told, window, bool(gaps), overflow)
    return replace(told, outcome=outcome, reason=reason)


def _once(followed: Iterable[Followed]) -> list[Followed]:
    """What was refused, in order; an event on a 2M entry is refused with every group of its pages, and told once."""
    by_line = {one.stop.event.record.line: one for one in followed if one.stop is not None}
    return [by_line[line] for line in sorted(by_line)]


def _outcome(told: Answer, window: Window, lost: bool, overflow: Event | None) -> tuple[Outcome, str]:
    if told.count:
        return Outcome.VIOLATED, ""
    if told.missing:
        fits = "what was recorded fits the model, and cannot decide it" if told.entries else "too little was recorded"
        return Outcome.NOT_OBSERVABLE, fits
    if not told.entries:
        return Outcome.NOT_OBSERVABLE, "no S-EPT entry of a running TD is worked on"
    if lost:
        return Outcome.UNKNOWN, "events are missing; what is there fits the model"
    if overflow is not None:
        line = overflow.record.line
        return Outcome.UNKNOWN, f"more than {STATES} states of the model fit what was seen up to line {line}"
    if window.cut:
        return Outcome.UNKNOWN, f"only the first {MOST} events were replayed; they fit the model"
    if not told.events:
        return Outcome.UNKNOWN, "all that happens began before the window, or is not in the model"
    if told.restarts:
        often = f"{told.restarts} times something began before the window, or is not in the model"
        return Outcome.CONFORMS, f"in part: {often}; from there on the region may have been anything"
    return Outcome.CONFORMS, ""


def _missing(vms: Collection[Vm], recorded: Collection[str]) -> Iterator[tuple[str, str]]:
    acts = (act for vm in vms for region in vm.regions.values() for act in region)
    huge = any(act.level > 1 and act.what != probes.SEPT_ADD for act in acts)
    for what, why in NEEDED.items():
        lacking = what not in recorded or any(what not in vm.recorded for vm in vms)
        if lacking and (what != probes.DEMOTE or huge):
            yield what, why


def _visible(recorded: frozenset[str]) -> frozenset[str]:
    """Half of an invalidation, or of a run of the guest, says nothing of the other half."""
    for pair in (_INVALIDATION, _GUEST):
        recorded = recorded if recorded >= pair else recorded - pair
    return recorded


def _vms(events: list[tuple[int, Event]], recorded: frozenset[str]) -> Iterator[tuple[int, Vm]]:
    """The VMs of a window, each with its own events; what happens inside a gap belongs to nobody."""
    pairs = owners(event for _, event in events)
    home = _homes(events, pairs)
    tds = set(pairs.values()) | {event.td for _, event in events if event.td}
    only = next(iter(tds)) if len(tds) == 1 else 0
    known = set(pairs.values())
    vms = {td: Vm(_visible(recorded if td in known else recorded - _BY_VM)) for td in sorted(tds)}
    current: dict[int, int] = {}
    gaps: set[int] = set()
    for at, event in events:
        if event.what in _GAPS:
            (gaps.discard if event.what == GAP_END else gaps.add)(event.record.cpu)
            for vm in vms.values():
                vm.forget()
            continue
        td = event.td or pairs.get(event.kvm) or pairs.get(event.lock) or 0
        if not td and (event.kvm or event.lock):  # another VM's, or another lock
            continue
        if td:
            current[event.pid] = td
        td = td or current.get(event.pid) or home.get(event.pid, only)
        if td in vms and not gaps and (event.what not in _BY_VM or event.what in vms[td].recorded):
            vms[td].feed(at, event)
    for td, vm in vms.items():
        vm.finish()
        yield td, vm


def _homes(events: list[tuple[int, Event]], pairs: dict[int, int]) -> dict[int, int]:
    """The first VM each thread works for."""
    found: dict[int, int] = {}
    for _, event in events:
        td = event.td or pairs.get(event.kvm, 0)
        if td and event.pid not in found:
            found[event.pid] = td
    return found
