"""Synthetic traces: flows of KVM as events, conforming or with one step changed, written in every text format."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from analyzer.model.trace import probes as p
from analyzer.model.trace.record import Format
from analyzer.model.trace.write import CONVERTER, VCPU0, VCPU1, Happening, write

KVM, TD = 0xFF3A_0000_1000_0000, 0xFF3A_0000_1000_0B40
BUSY, NOT_TRACKED, NOT_BLOCKED = 0x8000_0200_0000_0092, 0xC000_0B08_0000_0000, 0xC000_0B06_0000_0000
WALK_FAILED, OPERAND_INVALID, RESTARTABLE = 0xC000_0B00_0000_0000, 0xC000_0100_0000_0008, 0x8000_0004_0000_0000
PRESENT, HUGE = 1 << 11, 1 << 7
PRIVATE = 8


@dataclass(slots=True)
class Story:
    """A trace as it grows; ``skip`` names what is not recorded."""

    skip: frozenset[str] = frozenset()
    kvm: int = KVM
    td: int = TD
    pamt: bool = False
    now: int = 1_000_000_000_000
    pid: int = VCPU0
    cpu: int = 0
    flags: str = "....."
    told: list[Happening] = field(default_factory=list)

    def by(self, pid: int) -> Story:
        """Who acts from now on; each task has its CPU."""
        self.pid, self.cpu = pid, pid % 4
        return self

    def do(self, what: str, **args: int) -> Story:
        """One event."""
        self.now += 1000
        if what not in self.skip:
            self.told.append(Happening(self.now, self.cpu, self.pid, self.flags, what, args))
        return self

    def call(self, what: str, gfn: int, level: int, ret: int = 0, **args: int) -> Story:
        """A SEAMCALL on an entry."""
        return self.do(what, td=self.td, gpa=gfn << 12, level=level, **args, ret=ret)

    def enter(self) -> Story:
        return self.do(p.ENTER, vcpu=self.pid - VCPU0)

    def leave(self, info2: int = 0) -> Story:
        return self.do(p.LEAVE, vcpu=self.pid - VCPU0, info2=info2)

    def write_lock(self) -> Story:
        return self.do(p.WRITE_LOCK, lock=self.kvm)

    def read_lock(self) -> Story:
        return self.do(p.READ_LOCK, lock=self.kvm)

    def ask(self, gfn: int, ret: int = 0) -> Story:
        self.do(p.PFN_ASKED, kvm=self.kvm, gfn=gfn)
        return self.do(p.PFN_GIVEN, kvm=self.kvm, gfn=gfn, ret=ret)

    def spte(self, gfn: int, level: int, old: int, new: int) -> Story:
        return self.do(p.SPTE, gfn=gfn, level=level, old_spte=old, new_spte=new)

    def begin(self, start: int, end: int) -> Story:
        self.do(p.INV_BEGIN, kvm=self.kvm)
        return self.do(p.INV_RANGE, kvm=self.kvm, start=start, end=end)

    def end(self) -> Story:
        return self.write_lock().do(p.INV_END, kvm=self.kvm)

    def track(self, ret: int = 0) -> Story:
        return self.do(p.TRACK, td=self.td, ret=ret)

    def kick(self) -> Story:
        return self.do(p.KICK, kvm=self.kvm, req=0)

    def text(self, format_: Format) -> str:
        """The trace as one of the tools writes it."""
        return write(self.told, format_)


def fault(s: Story, gfn: int, level: int, pfn: int, table: bool = False) -> Story:
    """A vCPU faults, the page is looked up and added."""
    s.leave().do(p.FAULT, vcpu=s.pid - VCPU0, address=gfn << 12, error_code=0)
    s.ask(gfn).read_lock()
    if table:
        base = gfn & -512
        s.call(p.SEPT_ADD, base, 2).spte(base, 2, 0, PRESENT)
    if s.pamt and level == 1:
        s.do(p.PAMT_GET, pfn=pfn, ret=0)
    s.call(p.AUG, gfn, level, pfn=pfn)
    return s.spte(gfn, level, 0, PRESENT | (HUGE if level > 1 else 0)).enter()


def block_track(s: Story, gfn: int, level: int) -> Story:
    """BLOCK, TRACK, kick."""
    return s.call(p.BLOCK, gfn, level).track().kick()


def remove(s: Story, gfn: int, level: int, pfn: int) -> Story:
    """A leaf goes, with mmu_lock held for write."""
    block_track(s, gfn, level).call(p.REMOVE, gfn, level)
    for i in range(1 if level == 1 else 512):
        s.do(p.FLUSH, pfn=pfn + i, ret=0)
    s.spte(gfn, level, PRESENT | (HUGE if level > 1 else 0), 0)
    return s.do(p.PAMT_PUT, pfn=pfn) if s.pamt and level == 1 else s


def split(s: Story, gfn: int) -> Story:
    """A 2M leaf becomes 512 of 4K, with mmu_lock held for write."""
    block_track(s, gfn, 2).call(p.DEMOTE, gfn, 2)
    return s.do(p.SPLIT, gfn=gfn, level=2, errno=0).spte(gfn, 2, PRESENT | HUGE, PRESENT)


def convert(s: Story, start: int, end: int, work: Iterable[tuple[int, int, int]]) -> Story:
    """A range becomes shared; ``work`` are the leaves (gfn, level, pfn) in it."""
    s.do(p.ATTRIBUTES, start=start, end=end, attr=0).write_lock().begin(start, end)
    for gfn, level, pfn in work:
        remove(s, gfn, level, pfn)
    return s.end()


def ordinary(skip: Iterable[str] = (), pamt: bool = False, rounds: int = 1) -> Story:
    """A trace in which nothing is wrong: 4K and 2M faults, a split, conversions, a page that leaves the file."""
    s = Story(frozenset(skip), pamt=pamt)
    for n in range(rounds):
        base, pfn = 0x80000 + 0x1000 * n, 0x100000 + 0x1000 * n
        s.by(VCPU0).enter()
        s.do(p.CACHE_ADD, ino=0x1234, pfn=pfn, order=0)
        fault(s, base + 3, 1, pfn + 3, table=True)
        fault(s.by(VCPU1), base + 4, 1, pfn + 4)
        fault(s, base + 512, 2, pfn + 512)
        convert(s.by(CONVERTER), base + 3, base + 4, [(base + 3, 1, pfn + 3)])
        s.do(p.CACHE_DELETE, ino=0x1234, pfn=pfn + 3, order=0)
        s.do(p.ATTRIBUTES, start=base + 513, end=base + 514, attr=0).write_lock().begin(base + 513, base + 514)
        remove(split(s, base + 512), base + 513, 1, pfn + 513).end()
        s.write_lock().begin(base + 4, base + 5)
        s.call(p.BLOCK, base + 4, 1).track(BUSY).kick().track().kick().call(p.REMOVE, base + 4, 1)
        s.do(p.FLUSH, pfn=pfn + 4, ret=0)
        if pamt:
            s.do(p.PAMT_PUT, pfn=pfn + 4)
        s.end()
    return s
