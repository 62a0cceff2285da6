"""What is known of the VMs at one point of a trace: entries, locks, tasks, pages. O(1) for each event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from analyzer.model.trace.automaton import OWNED, UNKNOWN
from analyzer.model.trace.events import Event
from analyzer.model.trace.probes import LOCKDEP_RELEASE

_KEPT: Final = 6  # earlier events of an entry that a verdict can show
PRIVATE_GFNS: Final = 1 << 35  # above is the shared half of a 48-bit guest (KVM keeps the shared bit in the gfn)
_VM_SIZE: Final = 1 << 16  # struct kvm_tdx is smaller (order 0 in 7.3.4)
_NEAR: Final = 256  # VMs met last, among which the other half of one is looked for
RANGES: Final = 256  # of one invalidation, and invalidations open at a time
PAGES: Final = {1: 1, 2: 512, 3: 512 * 512}


@dataclass(slots=True)
class Entry:
    """One S-EPT entry: a GPA at a level."""

    gfn: int
    level: int
    state: str = UNKNOWN
    blocked: int = 0  # serial number of the BLOCK that holds
    pfn: int = -1
    failed: Event | None = None  # the last external operation, when it failed
    mapped: bool = False  # counted in Vm.small, and its pages have an owner
    accepts: int = 0  # ACCEPT faults below this level, all for the page accept_gfn
    accept_gfn: int = -1
    history: list[Event] = field(default_factory=list)

    def note(self, event: Event) -> None:
        """Remember an event of this entry."""
        self.history.append(event)
        if len(self.history) > _KEPT:
            del self.history[0]

    @property
    def pages(self) -> int:
        """How many 4K pages it maps."""
        return PAGES.get(self.level, 1)


@dataclass(slots=True, eq=False)
class Open:
    """An invalidation between begin and end."""

    begin: Event
    ranges: list[Event] = field(default_factory=list)

    def covers(self, gfn: int) -> bool:
        """Whether a page is in a range of it."""
        return any(one.gfn <= gfn < one.end for one in self.ranges)


@dataclass(slots=True)
class Lock:
    """An rwlock: who holds it, and by which event others lost it.

    Where releases are not recorded a holder is known to have let go when somebody else gets in.
    """

    writer: int = -1
    readers: set[int] = field(default_factory=set)
    last: dict[int, Event] = field(default_factory=dict)  # task -> the event its state rests on

    def mode(self, pid: int) -> str:
        """``write``, ``read``, ``none``, or empty where nothing is known of this task."""
        if self.writer == pid:
            return "write"
        if pid in self.readers:
            return "read"
        return "none" if pid in self.last else ""


@dataclass(slots=True, eq=False)
class Vm:
    """One VM (TD): ``kvm`` is its struct kvm and its mmu_lock, ``td`` its struct tdx_td; 0 where not seen."""

    number: int
    kvm: int = 0
    td: int = 0
    gone: bool = False
    entries: dict[int, Entry] = field(default_factory=dict)
    small: dict[int, int] = field(default_factory=dict)  # 2M region -> its 4K leaves
    demoted: dict[int, tuple[Event, int]] = field(default_factory=dict)  # 2M region -> its DEMOTE, PFN of child 0
    failed_demote: dict[int, Event] = field(default_factory=dict)  # 2M region -> a DEMOTE that failed
    runnable: Event | None = None
    key_freed: Event | None = None
    track: Event | None = None
    track_at: int = 0
    kick: Event | None = None
    kick_at: int = 0
    entered: Event | None = None
    entered_at: int = 0
    open: list[Open] = field(default_factory=list)
    begins: int = 0
    ended: Event | None = None
    ended_at: int = 0

    def entry(self, gfn: int, level: int) -> Entry:
        """The entry, made when it is met for the first time."""
        found = self.known(gfn, level)
        if found is None:
            found = self.entries[gfn << 3 | level & 7] = Entry(gfn, level)
        return found

    def known(self, gfn: int, level: int) -> Entry | None:
        """The entry, if it was met, or came from a DEMOTE: an unblocked leaf like its parent."""
        key = gfn << 3 | level & 7
        found = self.entries.get(key)
        if found is None and level == 1 and gfn >> 9 in self.demoted:
            demote, pfn = self.demoted[gfn >> 9]
            own = pfn + (gfn & 511) if pfn >= 0 else -1
            found = self.entries[key] = Entry(gfn, 1, OWNED, pfn=own, mapped=True, history=[demote])
        return found


@dataclass(slots=True)
class Task:
    """One thread of the host."""

    pid: int
    vm: Vm | None = None
    attributes: Event | None = None  # a conversion that has not ended
    open: list[Open] = field(default_factory=list)
    zapped: int = 0
    blocked: dict[int, Event] = field(default_factory=dict)  # entries it left blocked so far
    asked: Event | None = None  # kvm_gmem_get_pfn without an install yet
    asked_at: int = 0
    accept: int = 0  # level of the ACCEPT exit it is handling
    failing: dict[str, tuple[int, int, int]] = field(default_factory=dict)  # call -> page, result, how often in a row
    gets: dict[int, Event] = field(default_factory=dict)  # PFN -> tdx_pamt_get without its install
    owes: dict[int, Event] = field(default_factory=dict)  # PFN -> what demands a tdx_pamt_put
    balance: int = 0  # tdx_pamt_get minus tdx_pamt_put
    busy: Event | None = None  # a BUSY first try that awaits its second
    busy_at: int = 0
    busy_balance: int = 0
    lockdep: Event | None = None  # the last mmu_lock event of lockdep, which names no VM

    def ranges(self) -> Iterator[Event]:
        """What its operation may remove: the conversion's range, else the ranges of its invalidations.

        A conversion first adds its own range, then what it keeps from being mapped huge around its head and tail
        (mmu/mmu.c: kvm_arch_pre_set_memory_attributes).
        """
        for one in self.open:
            asked = self.attributes
            if asked is not None and one.ranges and asked.gfn <= one.ranges[0].gfn and one.ranges[0].end <= asked.end:
                yield asked
            else:
                yield from one.ranges


@dataclass(slots=True)
class Dirty:
    """A removed page whose cache lines were not all written back."""

    removed: Event
    pages: int
    flushed: int = 0


@dataclass(slots=True)
class World:
    """All of it. ``serial`` counts events, so that "since" is a comparison."""

    serial: int = 0
    seen: dict[str, int] = field(default_factory=dict)  # how many events of each kind
    vms: list[Vm] = field(default_factory=list)
    by_pointer: dict[int, Vm] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)
    locks: dict[int, Lock] = field(default_factory=dict)
    contexts: dict[int, dict[str, Event]] = field(default_factory=dict)  # lock -> first time in each context
    owners: dict[int, tuple[Vm, Entry]] = field(default_factory=dict)  # PFN of a 4K leaf
    huge: dict[int, tuple[Vm, Entry]] = field(default_factory=dict)  # 2M frame of a huge leaf
    frames: dict[int, set[int]] = field(default_factory=dict)  # 2M frame -> owned PFNs in it
    split: dict[int, tuple[Vm, int]] = field(default_factory=dict)  # 2M frame of a DEMOTE -> its VM and first gfn
    dirty: dict[int, Dirty] = field(default_factory=dict)  # PFN, or minus frame minus 1 of a huge leaf
    pamt: dict[int, int] = field(default_factory=dict)  # PFN -> references seen to be taken

    def task(self, pid: int) -> Task:
        """The task, made when it is met for the first time."""
        found = self.tasks.get(pid)
        if found is None:
            found = self.tasks[pid] = Task(pid)
        return found

    def vm_of(self, event: Event, task: Task) -> Vm | None:
        """The VM an event is about: by pointer, or what its task worked on last."""
        pointer = event.td or event.kvm
        if pointer:
            task.vm = self.by_pointer.get(pointer) or self._met(pointer, bool(event.td))
        return task.vm

    def _met(self, pointer: int, is_td: bool) -> Vm:
        """A pointer seen for the first time; struct tdx_td and struct kvm of one VM lie in one struct kvm_tdx."""
        near, nearest = None, _VM_SIZE
        for vm in self.vms[-_NEAR:]:
            other, own = (vm.kvm, vm.td) if is_td else (vm.td, vm.kvm)
            distance = (pointer - other) if is_td else (other - pointer)
            if other and not own and 0 < distance < nearest:
                near, nearest = vm, distance
        if near is None:
            near = Vm(len(self.vms) + 1)
            self.vms.append(near)
        if is_td:
            near.td = pointer
        else:
            near.kvm = pointer
        self.by_pointer[pointer] = near
        return near

    def renew(self, vm: Vm) -> Vm:
        """A new TD has the place of one that is gone."""
        vm.gone, vm.entries = True, {}
        fresh = self.vms[vm.number - 1] = Vm(vm.number, kvm=vm.kvm, td=vm.td)
        for pointer in (vm.td, vm.kvm):
            if pointer:
                self.by_pointer[pointer] = fresh
        return fresh

    def owner(self, pfn: int) -> Entry | None:
        """The entry that maps a page."""
        for place in (self.owners.get(pfn), self.huge.get(pfn >> 9)):
            if place is not None and not place[0].gone:
                return place[1]
        if pfn >> 9 in self.split:
            vm, gfn = self.split[pfn >> 9]
            if vm.gone:
                return None
            child = vm.known(gfn + (pfn & 511), 1)
            if child is not None and child.mapped and child.pfn == pfn:
                return child
        return None

    def references(self, pfn: int) -> int | None:
        """How often tdx_pamt_get() was seen for a page, one for a page from a DEMOTE; None where nothing is known."""
        return self.pamt.get(pfn, 1 if pfn >> 9 in self.split else None)

    def lock_mode(self, vm: Vm, task: Task) -> tuple[str, Event | None]:
        """How a task holds the mmu_lock of a VM, as in `Lock.mode`, and the event that says so.

        mmu_lock is the first member of struct kvm, so it has its address.
        """
        if task.lockdep is not None:
            event = task.lockdep
            held = "read" if event.value else "write"
            return ("none" if event.what == LOCKDEP_RELEASE else held), event
        lock = self.locks.get(vm.kvm) if vm.kvm else None
        return ("", None) if lock is None else (lock.mode(task.pid), lock.last.get(task.pid))

    def size(self) -> int:
        """How many things are followed."""
        tables = (self.vms, self.tasks, self.locks, self.owners, self.huge, self.dirty, self.pamt, self.contexts)
        return sum(map(len, tables)) + sum(len(vm.entries) for vm in self.vms)
