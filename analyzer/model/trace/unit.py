"""One region of one VM on the model: which threads, pages and invalidations stand for which of its actors."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from analyzer.model.kvm_tdx.recorded import (
    NONE,
    OPS,
    OUTSIDE,
    PAGES,
    PART,
    PRIVATE,
    SHARED,
    VCPUS,
    WHOLE,
    Choice,
    at_rest,
)
from analyzer.model.trace import probes
from analyzer.model.trace.acts import FOREIGN, Act, Op, Vm
from analyzer.model.trace.events import Event
from analyzer.model.trace.follow import LOST, TOO_MANY, Follower, Refusal, refusal
from analyzer.model.trace.labels import FAULTS, HUGE, MANY, Label
from analyzer.model.trace.words import Names, actor

_PRIVATE_ATTRIBUTE: Final = 1 << 3  # KVM_MEMORY_ATTRIBUTE_PRIVATE
_SHOWN: Final = 6


@dataclass(frozen=True, slots=True)
class Stop:
    """The event that no state of the model explains, why, and the events of the region before it."""

    event: Event
    step: str
    actor: str
    refused: Refusal
    shown: tuple[Event, ...]


@dataclass(slots=True)
class Followed:
    """What became of one unit: ``events`` that were followed, ``restarts`` where the region could be anything again."""

    region: int
    pages: tuple[int, ...]
    events: int = 0
    restarts: int = 0
    overflow: Event | None = None
    stop: Stop | None = None


@dataclass(slots=True)
class Unit:
    """Up to PAGES pages of a region, and all acts on them."""

    vm: Vm
    region: int
    pages: tuple[int, ...]
    acts: list[Act]
    run: Follower
    vcpus: dict[int, int]  # thread -> actor
    since: int = -2  # from where on it is known what is under way
    at: int = -1
    number: int = 0
    begun: set[int] = field(default_factory=set)  # attempts that the model has begun, by id()
    actors: dict[int, int] = field(default_factory=dict)  # invalidations at work, by id(), and their actor
    begun_by: dict[int, int] = field(default_factory=dict)  # invalidations, by id(), and their thread
    inside: dict[int, bool] = field(default_factory=dict)
    told: list[Event] = field(default_factory=list)

    def follow(self, gaps: tuple[int, ...]) -> Followed:
        """Step through everything; ``gaps`` are where events were lost."""
        found = Followed(self.region, self.pages)
        left = sorted((*gaps, *self.vm.resets))
        last = self.vm.first - 1
        self._restart(last, found)
        for at, item in self._items():
            while left and left[0] <= at:
                last = left.pop(0)
                self._restart(last, found)
            self.at = at
            self._move(at, last, found)
            last = at
            if found.stop is None:
                self._one(at, item, found)
            if found.stop is not None:
                return found
        return found

    # -- what happens, in order ----------------------------------------------------------------------------------------

    def _items(self) -> Iterator[tuple[int, Act | Op]]:
        """Acts, and the begin and end of invalidations."""
        items: list[tuple[int, int, Act | Op]] = [(act.at, 1, act) for act in self.acts]
        ops = {id(act.op): act.op for act in self.acts if act.op is not None}
        first, last = (self.acts[0].at, self.acts[-1].at) if self.acts else (0, 0)
        ops |= {id(op): op for op in self.vm.around(self.region, first, last) if self._reach(op)}
        for op in ops.values():
            items.append((op.at, 0, op))
            if op.end >= 0:
                items.append((op.end, 2, op))
        for at, _, item in sorted(items, key=lambda one: one[:2]):
            yield at, item

    def _one(self, at: int, item: Act | Op, found: Followed) -> None:
        if isinstance(item, Op):
            self._op(at, item, found)
        elif item.what == FOREIGN:
            self._restart(at, found)
        else:
            self._act(item, found)

    def _op(self, at: int, op: Op, found: Followed) -> None:
        key = id(op)
        if at == op.at:
            open_ = next((n for other, n in self.actors.items() if self.begun_by.get(other) == op.pid), None)
            self.begun_by[key] = op.pid
            free = open_ if open_ is not None else next((n for n in range(OPS) if n not in self.actors.values()), None)
            if free is not None:
                self.actors[key] = free
                self._step(Label(f"op{free}", probes.INV_BEGIN, str(self._choice(op))), op.begin, found)
        elif key in self.actors and op.ended is not None:
            many = "" if op.clear else MANY
            self._step(Label(f"op{self.actors.pop(key)}", probes.INV_END, "", many), op.ended, found)

    def _act(self, act: Act, found: Followed) -> None:
        actor = self._actor(act, found)
        if actor is None:
            if act.result == "ok":
                self._restart(act.at, found)
            return
        if actor == "others" and act.result != "ok":
            return
        self._step(Label(actor, act.what, self._entry(act), act.result), act.event, found)

    def _actor(self, act: Act, found: Followed) -> str | None:
        """Who did it; None where it began before what is known."""
        if act.op is not None:
            if id(act.op) in self.actors:
                return f"op{self.actors[id(act.op)]}"
            early = act.at < act.op.at
            free = next((n for n in range(OPS) if n not in self.actors.values()), None)
            return f"op{free}" if early and free is not None else None
        attempt = act.attempt
        if attempt is None:
            return None
        if act.what == probes.SEPT_ADD and attempt.level < 2 and attempt.gfn not in self.pages:
            return "others"
        k = self.vcpus.get(act.event.pid)
        if k is None:
            return None
        if id(attempt) not in self.begun:
            whole = attempt.asked or probes.PFN_ASKED not in self.vm.recorded
            if not whole or attempt.at <= self.since or (attempt.accepting and attempt.since < self.since):
                return None
            self.begun.add(id(attempt))
            page = str(self.pages.index(attempt.gfn) if attempt.gfn in self.pages else 0)
            self._step(Label(f"vcpu{k}", FAULTS, page, "accepting" if attempt.accepting else ""), act.event, found)
        return f"vcpu{k}"

    def _entry(self, act: Act) -> str:
        if act.what in (probes.TRACK, probes.KICK, probes.WRITE_LOCK):
            return ""
        if act.what in (probes.PFN_ASKED, probes.PFN_GIVEN):
            return str(self.pages.index(act.gfn) if act.gfn in self.pages else 0)
        return HUGE if act.level > 1 else str(self.pages.index(act.gfn))

    def _reach(self, op: Op) -> int:
        base = self.region << 9
        reach = OUTSIDE
        for one in op.asked():
            if one.gfn <= base and one.end >= base + 512:
                return WHOLE
            if one.gfn < base + 512 and one.end > base:
                reach = PART
        return reach

    def _choice(self, op: Op) -> Choice:
        asked = op.asked()
        mask = sum(1 << i for i, gfn in enumerate(self.pages) if any(one.gfn <= gfn < one.end for one in asked))
        one = op.converting
        goal = NONE if one is None else PRIVATE if one.value & _PRIVATE_ATTRIBUTE else SHARED
        return Choice(mask, self._reach(op), op.zaps, goal)

    # -- on the model --------------------------------------------------------------------------------------------------

    def _restart(self, at: int, found: Followed) -> None:
        """From here on the region may be anything that is at rest."""
        found.restarts += self.since >= -1
        self.since, self.begun, self.actors = at, set(), {}
        for pid in self.vcpus:
            self.inside[pid] = self._inside(pid, at)
        within = frozenset(k for pid, k in self.vcpus.items() if self.inside[pid])
        self.number = self.run.start(at_rest(self.run.machine, within))

    def _inside(self, pid: int, at: int) -> bool:
        """Whether a vCPU is in guest mode: it is if the next thing it does is to leave."""
        line = self.vm.moved.get(pid, [])
        after = bisect_right(line, at, key=lambda one: one[0])
        return after < len(line) and not line[after][1]

    def _move(self, at: int, last: int, found: Followed) -> None:
        """Entries and exits between two acts; what a vCPU did in between and undid again does not matter."""
        steps: list[tuple[int, Label, Event]] = []
        for pid, k in self.vcpus.items():
            line = self.vm.moved.get(pid)
            if not line:
                continue
            low = bisect_right(line, max(last, self.since), key=lambda one: one[0])
            high = bisect_right(line, at, key=lambda one: one[0])
            if low < high:
                steps += self._net(pid, k, line[low:high])
        for _, label, event in sorted(steps, key=lambda one: one[0]):
            if label.what in self.vm.recorded and found.stop is None:
                self._step(label, event, found)

    def _net(self, pid: int, k: int, line: list[tuple[int, bool, Event]]) -> Iterator[tuple[int, Label, Event]]:
        leaves = next((one for one in line if not one[1]), None)
        at, entered, event = line[-1]
        was = self.inside[pid]
        if self.inside[pid] and leaves is not None:
            yield leaves[0], Label(f"vcpu{k}", probes.LEAVE), leaves[2]
            self.inside[pid] = False
        enters = next((one for one in line if one[1] and (leaves is None or one[0] > leaves[0] or not was)), None)
        if enters is not None and not self.inside[pid]:
            yield enters[0], Label(f"vcpu{k}", probes.ENTER), enters[2]
            self.inside[pid] = entered
            if not entered:
                yield at, Label(f"vcpu{k}", probes.LEAVE), event

    def _step(self, label: Label, event: Event, found: Followed) -> None:
        if found.stop is not None:
            return
        after = self.run.advance(self.number, label)
        if after == LOST and label.what == probes.WRITE_LOCK:
            return  # taken for something else
        if after == TOO_MANY:
            found.overflow = found.overflow or event
            self._restart(self.at, found)
            return
        if after == LOST:
            names = self._names()
            refused = refusal(self.run, self.number, label, names)
            found.stop = Stop(event, names.step(label), actor(label, names), refused, tuple(self.told[-_SHOWN:]))
            return
        self.number = self.run.kept_small(after)
        found.events += 1
        if not self.told or self.told[-1] is not event:
            self.told.append(event)
            del self.told[:-_SHOWN]

    def _names(self) -> Names:
        numbers = [self.vm.numbers.get(pid, -1) for pid in self.vcpus]
        return Names(self.pages, numbers, self.region)


def units(vm: Vm, region: int) -> Iterator[tuple[tuple[int, ...], list[Act], dict[int, int]]]:
    """A region in groups of pages: each with its acts, and its vCPU threads as actors."""
    acts = vm.regions[region]
    small = sorted({act.gfn for act in acts if act.level == 1 and act.what not in (FOREIGN, probes.PFN_ASKED)})
    if probes.PFN_ASKED in vm.recorded:
        small = sorted({act.gfn for act in acts if act.level == 1 and act.what in _ON_ENTRIES})
    groups = [tuple(small[i : i + PAGES]) for i in range(0, len(small), PAGES)] or [(region << 9,)]
    for pages in groups:
        mine = [act for act in acts if _of(act, pages)]
        yield pages, mine, _actors(vm, mine)


_ON_ENTRIES: Final = frozenset((probes.AUG, probes.BLOCK, probes.REMOVE))


def _of(act: Act, pages: tuple[int, ...]) -> bool:
    if act.what in (probes.PFN_ASKED, probes.PFN_GIVEN) and act.attempt is not None:
        return act.attempt.level > 1 or act.attempt.gfn in pages
    return act.level > 1 or act.gfn in pages or act.what == FOREIGN


def _actors(vm: Vm, acts: Iterable[Act]) -> dict[int, int]:
    """Threads that fault come first, then those that only run the guest."""
    busy = dict.fromkeys(act.event.pid for act in acts if act.attempt is not None)
    others = [pid for pid in vm.moved if pid not in busy]
    chosen = [*busy, *others][:VCPUS]
    return {pid: k for k, pid in enumerate(chosen)}
