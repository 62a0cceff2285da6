"""The events of one VM as acts: faults, invalidations and SEAMCALL sequences put together from single events."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from analyzer.model.trace import probes
from analyzer.model.trace.events import Event
from analyzer.model.trace.probes import AUG, BLOCK, DEMOTE, KICK, REMOVE, SEPT_ADD, TRACK
from analyzer.model.trace.status import INTERRUPTED_RESTARTABLE, OPERAND_BUSY, code, described

_SOON: Final = 10_000_000  # ns between a removal and the begin of the invalidation that it should have been inside
_LEVELS: Final = (1, 2)  # of enum pg_level, the ones of the model
_SW_ERROR: Final = 0x8000FF
_OPEN: Final = 8  # of those with wide ranges that began before the stretch
_WIDE: Final = 64  # regions of an invalidation that is looked up by its range
FOREIGN: Final = "foreign"  # what the model has no step for: the region may be anything afterwards


@dataclass(slots=True, eq=False)
class Op:
    """An invalidation from begin to end."""

    at: int
    pid: int
    begin: Event
    converts: Event | None
    ranges: list[Event] = field(default_factory=list)
    zaps: bool = False
    end: int = -1
    ended: Event | None = None
    early: list[Act] = field(default_factory=list)  # what its thread removed right before it

    @property
    def converting(self) -> Event | None:
        """The conversion it belongs to."""
        one, first = self.converts, self.ranges[:1]
        return one if one is not None and first and one.gfn <= first[0].gfn and first[0].end <= one.end else None

    def asked(self) -> tuple[Event, ...]:
        """What may be removed: a conversion also keeps huge pages from coming back around its own range."""
        return tuple(self.ranges[:1] if self.converting is not None else self.ranges)

    @property
    def clear(self) -> bool:
        """Whether all of its ranges are surely to be emptied."""
        return self.converting is not None or len(self.ranges) < 2


@dataclass(slots=True, eq=False)
class Attempt:
    """A vCPU's work on one fault, from its first event (``at``) to the map; ``since``: where the task rested before."""

    gfn: int
    at: int
    since: int
    asked: bool = False
    level: int = 0
    accepting: bool = False


@dataclass(slots=True, eq=False)
class Act:
    """One event with what it belongs to; ``gfn`` and ``level`` are of the entry worked on."""

    at: int
    event: Event
    what: str
    gfn: int
    level: int
    result: str = ""
    op: Op | None = None
    attempt: Attempt | None = None


@dataclass(slots=True)
class _Task:
    """What one thread is in the middle of."""

    op: Op | None = None
    attributes: Event | None = None
    entry: tuple[int, int] | None = None  # of the BLOCK whose REMOVE or DEMOTE is to come
    pending: list[tuple[int, Event]] = field(default_factory=list)  # of a fault that may never map
    gfn: int = -1
    active: Attempt | None = None
    locked: tuple[int, Event] | None = None
    rested: int = -1  # where it last began something else
    early: list[Act] = field(default_factory=list)  # removed outside of an invalidation
    batch: bool = False
    accept: int = 0
    is_vcpu: bool = False


@dataclass(slots=True)
class Vm:
    """All acts of one VM. ``moved`` are entries (True) and exits of each vCPU thread."""

    recorded: frozenset[str]
    tasks: dict[int, _Task] = field(default_factory=dict)
    regions: dict[int, list[Act]] = field(default_factory=dict)
    near: dict[int, list[Op]] = field(default_factory=dict)
    wide: list[Op] = field(default_factory=list)
    moved: dict[int, list[tuple[int, bool, Event]]] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)  # thread -> vCPU
    resets: list[int] = field(default_factory=list)  # where the VM is another one
    begun: dict[int, list[Op]] = field(default_factory=dict)  # invalidations of each thread
    runs: bool = False
    first: int = -1

    def feed(self, at: int, event: Event) -> None:
        """One event, in the order of time."""
        if self.first < 0:
            self.first = at
        task = self.tasks.get(event.pid)
        if task is None:
            task = self.tasks[event.pid] = _Task()
        handler = _HANDLERS.get(event.what)
        if handler is not None:
            handler(self, task, at, event)

    def act(self, act: Act) -> None:
        """Put an act to its region."""
        self.regions.setdefault(act.gfn >> 9, []).append(act)

    def finish(self) -> None:
        """Find the invalidations of regions, and those that begin too late."""
        for op in self.ops():
            for one in op.ranges:
                first, last = one.gfn >> 9, (one.end - 1) >> 9
                if last - first > _WIDE:
                    self.wide.append(op)
                    break
                for region in range(first, last + 1):
                    self.near.setdefault(region, []).append(op)
            for act in op.early:
                act.op = op if any(_over(one, act) for one in op.ranges) else None
        for acts in self.regions.values():
            acts.sort(key=lambda act: act.at)
        self.wide.sort(key=lambda op: op.at)

    def around(self, region: int, first: int, last: int) -> Iterator[Op]:
        """The invalidations whose ranges may reach into a region, of a stretch of the trace."""
        yield from self.near.get(region, ())
        low, high = (bisect_left(self.wide, at, key=lambda op: op.at) for at in (first, last))
        yield from self.wide[max(0, low - _OPEN) : high]

    def ops(self) -> Iterator[Op]:
        """Every invalidation."""
        for begun in self.begun.values():
            yield from begun

    def forget(self) -> None:
        """Events were lost: nobody knows what each thread is in the middle of."""
        self.tasks.clear()

    # -- what single events do -----------------------------------------------------------------------------------------

    def _moved(self, task: _Task, at: int, event: Event) -> None:
        entered = event.what == probes.ENTER
        line = self.moved.setdefault(event.pid, [])
        if entered and line and line[-1][1]:
            line.pop()  # VP.ENTER that failed in software never ran the guest and leaves no exit
        line.append((at, entered, event))
        if event.vcpu >= 0:
            self.numbers.setdefault(event.pid, event.vcpu)
        task.is_vcpu, task.rested, task.pending, task.active = True, at, [], None
        task.locked, task.attributes, task.entry = None, None, None
        task.accept = 0 if entered else event.level
        task.batch = False
        self.runs = True

    def _fault(self, task: _Task, at: int, event: Event) -> None:
        task.is_vcpu = True
        self.numbers.setdefault(event.pid, event.vcpu)

    def _attributes(self, task: _Task, at: int, event: Event) -> None:
        task.attributes, task.rested = event, at

    def _asked(self, task: _Task, at: int, event: Event) -> None:
        if event.what == probes.PFN_GIVEN:
            if not event.ok:
                task.pending, task.active = [], None
            return
        if event.gfn != task.gfn:
            task.pending = []
            task.active = task.active if task.active is not None and task.active.gfn == event.gfn else None
        task.gfn = event.gfn
        task.pending.append((at, event))

    def _map(self, task: _Task, at: int, event: Event) -> None:
        """AUG or SEPT_ADD: now it is known that the fault mattered."""
        self.runs = self.runs or event.what == AUG
        if event.level not in _LEVELS or _no_call(event):
            self._foreign(task, at, event)
            return
        pending = task.pending if task.gfn >> 9 == event.gfn >> 9 else []
        gfn = task.gfn if pending else event.gfn
        attempt = task.active
        # an attempt that was not seen to ask began before the window: what asks now is the next one
        another = attempt is None or attempt.gfn >> 9 != event.gfn >> 9
        if attempt is None or another or (pending and (attempt.gfn != gfn or not attempt.asked)):
            attempt = task.active = Attempt(gfn, pending[0][0] if pending else at, task.rested)
        attempt.asked = attempt.asked or bool(pending)
        if event.what == AUG:
            attempt.level = max(attempt.level, event.level)
            attempt.gfn = event.gfn if event.level == 1 else attempt.gfn
        for when, one in pending:
            self.act(Act(when, one, one.what, attempt.gfn, 1, "", None, attempt))
        task.pending = []
        level = event.level if event.what == AUG else 2
        self.act(Act(at, event, event.what, event.gfn, level, result(event), None, attempt))
        if event.what == AUG and result(event) != "busy":
            task.active = None

    def _locked(self, task: _Task, at: int, event: Event) -> None:
        task.locked = (at, event)

    def _sequence(self, task: _Task, at: int, event: Event) -> None:
        """BLOCK, TRACK, kick, REMOVE, DEMOTE: TRACK and kick belong to the entry that was blocked before them."""
        entry = (event.gfn, event.level)
        if event.what in (BLOCK, REMOVE, DEMOTE):
            if not self.runs or event.level not in _LEVELS or _no_call(event) or self._batched(task, at, event, entry):
                self._foreign(task, at, event)
                return
            task.entry = entry
        if task.entry is None or task.batch:
            return
        gfn, level = task.entry
        what = event.what
        act = Act(at, event, what, gfn, level, "" if what == KICK else result(event), task.op)
        if what in (REMOVE, DEMOTE) and act.result not in ("busy", "restart"):
            task.entry = None
        if task.op is not None:
            task.op.zaps = True
        elif self._accepts(task):
            self._accepting(task, act)
        elif task.rested >= 0:
            task.early.append(act)
        self.act(act)

    def _batched(self, task: _Task, at: int, event: Event, entry: tuple[int, int]) -> bool:
        """Several entries blocked at a time: the model works on one after the other, as Linux 7.3.4 does."""
        if event.what == BLOCK and event.ok and task.entry is not None and task.entry != entry:
            task.batch = True
            self.act(Act(at, event, FOREIGN, task.entry[0], 1))
        return task.batch

    def _accepts(self, task: _Task) -> bool:
        return task.is_vcpu and task.attributes is None and (task.accept == 1 or probes.LEAVE not in self.recorded)

    def _accepting(self, task: _Task, act: Act) -> None:
        attempt = task.active
        if attempt is None or not attempt.accepting:
            attempt = task.active = Attempt(act.gfn, act.at, task.rested, True, 2, True)
            if task.locked is not None:
                at, event = task.locked
                self.act(Act(at, event, probes.WRITE_LOCK, act.gfn, act.level, "", None, attempt))
        act.attempt = attempt

    def _begin(self, task: _Task, at: int, event: Event) -> None:
        task.op = Op(at, event.pid, event, task.attributes)
        early = (a for a in task.early if a.at > task.rested and event.record.time - a.event.record.time < _SOON)
        task.op.early, task.early, task.batch = list(early), [], False
        self.begun.setdefault(event.pid, []).append(task.op)

    def _range(self, task: _Task, at: int, event: Event) -> None:
        if task.op is not None:
            task.op.ranges.append(event)

    def _end(self, task: _Task, at: int, event: Event) -> None:
        if task.op is not None:
            task.op.end, task.op.ended = at, event
        task.op, task.attributes, task.rested, task.batch = None, None, at, False

    def _foreign(self, task: _Task, at: int, event: Event) -> None:
        """Build time, 1G, UNBLOCK, PROMOTE, what never reached the module: other rules judge them."""
        if event.what != SEPT_ADD:  # of a table above the region
            self.act(Act(at, event, FOREIGN, event.gfn, 1))

    def _renewed(self, task: _Task, at: int, event: Event) -> None:
        self.resets.append(at)
        self.runs = False
        self.forget()


def _over(one: Event, act: Act) -> bool:
    """Whether a range is about an entry."""
    return one.gfn <= act.gfn + 511 * (act.level > 1) and act.gfn < one.end


def _no_call(event: Event) -> bool:
    """TDX_SW_ERROR: no SEAMCALL was made."""
    return event.status >> 40 == _SW_ERROR


def result(event: Event) -> str:
    """What a call returned, as a label says it."""
    if event.ok:
        return "ok"
    found = code(event.status)
    if found == OPERAND_BUSY:
        return "busy"
    return "restart" if found == INTERRUPTED_RESTARTABLE and event.what == DEMOTE else described(event.status)


_HANDLERS: Final = {
    probes.ENTER: Vm._moved,
    probes.LEAVE: Vm._moved,
    probes.FAULT: Vm._fault,
    probes.ATTRIBUTES: Vm._attributes,
    probes.PFN_ASKED: Vm._asked,
    probes.PFN_GIVEN: Vm._asked,
    probes.WRITE_LOCK: Vm._locked,
    probes.INV_BEGIN: Vm._begin,
    probes.INV_RANGE: Vm._range,
    probes.INV_END: Vm._end,
    **dict.fromkeys((AUG, SEPT_ADD), Vm._map),
    **dict.fromkeys((BLOCK, TRACK, KICK, REMOVE, DEMOTE), Vm._sequence),
    **dict.fromkeys((probes.ADD, probes.UNBLOCK, probes.PROMOTE), Vm._foreign),
    **dict.fromkeys((probes.CREATE, probes.KEY_FREE), Vm._renewed),
}
KEPT: Final = frozenset((*_HANDLERS,))


def owners(events: Iterable[Event]) -> dict[int, int]:
    """The TD of each ``struct kvm``: near in memory (struct kvm_tdx), or used by the same threads."""
    by_task: dict[int, tuple[set[int], set[int]]] = {}
    for event in events:
        if event.td or event.kvm:
            tds, kvms = by_task.setdefault(event.pid, (set(), set()))
            (tds.add(event.td) if event.td else kvms.add(event.kvm))
    tds = {td for found, _ in by_task.values() for td in found}
    kvms = {kvm for _, found in by_task.values() for kvm in found}
    pairs: dict[int, int] = {}
    for td in tds:
        near = [kvm for kvm in kvms if 0 < td - kvm < 1 << 16]
        with_it = [kvm for found, others in by_task.values() if td in found for kvm in others]
        if near:
            pairs[max(near)] = td
        elif with_it:
            pairs.setdefault(max(set(with_it), key=with_it.count), td)
    return pairs
