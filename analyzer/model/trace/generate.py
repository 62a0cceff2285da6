"""Traces made from the model: what a path of it looks like to the probes, conforming or with a rule broken."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from analyzer.model.engines.python import numbered_successors
from analyzer.model.kvm_tdx.status import BUGS
from analyzer.model.machine import Machine, Move
from analyzer.model.trace import probes as p
from analyzer.model.trace.formats import ARMED
from analyzer.model.trace.record import Format
from analyzer.model.trace.status import NAMES as STATUSES
from analyzer.model.trace.write import CONVERTER, VCPU0, ZAPPER, Happening, write

KVM, TD = 0xFF3A_0000_1000_0000, 0xFF3A_0000_1000_0B40
_CODES: Final = {name: code << 32 for code, name in STATUSES.items()}
_BUSY: Final = _CODES["OPERAND_BUSY"] | 0x92
_PRESENT, _HUGE, _PRIVATE = 1 << 11, 1 << 7, 8
_STEP = re.compile(r"(\w+?)\.(block|track|kick|remove|demote)(?:_(\w+))?$")
_STARTS = re.compile(r"lock$|punch_|enter$|poison|.*violation").match
_PIDS: Final = {"converter": CONVERTER, "zapper": ZAPPER, "destroyer": ZAPPER, "host": ZAPPER}
_SHOWN: Final = tuple(probe.what for probe in p.PROBES if probe.what not in (
    p.LOCKDEP_ACQUIRE, p.LOCKDEP_RELEASE, p.SPIN_LOCK, p.WRITE_UNLOCK, p.READ_UNLOCK,
))  # fmt: skip
State = dict[str, int]


@dataclass(slots=True)
class Scribe:
    """Writes the events of model steps; ``skip`` are probes that are off. One scribe writes one region at a time."""

    machine: Machine
    skip: frozenset[str] = frozenset()
    pamt: bool = False
    base: int = 0x80000
    pfn: int = 0x100000
    now: int = 10**12
    told: list[Happening] = field(default_factory=list)
    rest: bool = False  # the pages of the region that the model has no variable for are mapped

    @property
    def pages(self) -> int:
        """Of the model."""
        return sum(v.name.startswith("shared_") for v in self.machine.variables)

    def step(self, n: int, before: bytes, after: bytes) -> None:
        """The events of one move."""
        move = self.machine.moves[n]
        names = [v.name for v in self.machine.variables]
        old, new = dict(zip(names, before, strict=True)), dict(zip(names, after, strict=True))
        pid = _PIDS.get(move.actor) or VCPU0 + int(move.actor[-1])
        tell = _Teller(self, pid, move, old, new)
        tell.locks()
        found = _STEP.match(move.name)
        if found is not None:
            tell.sequence(found)
        elif move.actor.startswith("vcpu"):
            tell.vcpu()
        elif move.name == "lock":
            attr = _PRIVATE if old["shared_0"] else 0
            tell.do(p.ATTRIBUTES, start=self.base, end=self.base + 1, attr=attr)
        elif move.name in ("walked", "nothing") and tell.whole() and self.rest:
            tell.the_rest()
        tell.files()

    def text(self, format_: Format) -> str:
        """All of it; the first line says which probes were on."""
        armed = " ".join(what for what in _SHOWN if what not in self.skip and (self.pamt or "pamt" not in what))
        return f"{ARMED} {armed}\n{write(self.told, format_)}"


@dataclass(slots=True)
class _Teller:
    """One move as its task's events."""

    scribe: Scribe
    pid: int
    move: Move
    old: State
    new: State

    def do(self, what: str, **args: int) -> None:
        """One event."""
        s = self.scribe
        s.now += 1000
        if what not in s.skip and (s.pamt or what not in (p.PAMT_GET, p.PAMT_PUT)):
            s.told.append(Happening(s.now, self.pid % 4, self.pid, ".....", what, args))

    def gfn(self, page: int) -> int:
        """The last page of the model is the last of the region."""
        return self.scribe.base + (511 if page == self.scribe.pages - 1 and page else page)

    def whole(self) -> bool:
        """A punch hole of everything, or the end of the VM."""
        return self.move.actor == "destroyer" or (self.move.actor == "zapper" and bool(self.old.get("whole")))

    def range(self) -> tuple[int, int]:
        """What an invalidation is for."""
        base = self.scribe.base
        if self.move.actor == "converter":
            return base, base + 1
        if self.whole():
            return base, base + 512
        last = self.gfn(self.scribe.pages - 1)
        return last, last + 1

    def status(self) -> int:
        """What the call of this step returned."""
        bug = BUGS[self.new["bug"]]
        if self.new["bug"] != self.old["bug"] and bug.status:
            return _CODES[bug.status]
        if self.move.status == "OPERAND_BUSY":
            return _BUSY
        return _CODES[self.move.status] if self.move.status else 0

    def locks(self) -> None:
        """mmu_lock is taken, and an invalidation begins or ends, whatever the step is called."""
        if self.new["writer"] and self.new["writer"] != self.old["writer"]:
            self.do(p.WRITE_LOCK, lock=KVM)
        if self.new["readers"] > self.old["readers"]:
            self.do(p.READ_LOCK, lock=KVM)
        change = self.new["invalidating"] - self.old["invalidating"]
        if change and not self.new["writer"]:
            self.do(p.WRITE_LOCK, lock=KVM)
        if change > 0:
            start, end = self.range()
            self.do(p.INV_BEGIN, kvm=KVM)
            self.do(p.INV_RANGE, kvm=KVM, start=start, end=end)
        elif change < 0:
            self.do(p.INV_END, kvm=KVM)

    def files(self) -> None:
        """Pages come to the file and leave it."""
        s = self.scribe
        changed = [i for i in range(s.pages) if self.old[f"backed_{i}"] != self.new[f"backed_{i}"]]
        if not changed:
            return
        what = p.CACHE_ADD if self.new[f"backed_{changed[0]}"] else p.CACHE_DELETE
        if len(changed) == s.pages and self.whole() | (what == p.CACHE_ADD):
            self.do(what, ino=0x1234, pfn=s.pfn, order=9)
            return
        for i in changed:
            self.do(what, ino=0x1234, pfn=s.pfn + self.gfn(i) - s.base, order=0)

    # -- SEAMCALL sequences --------------------------------------------------------------------------------------------

    def call(self, what: str, gfn: int, level: int, **args: int) -> None:
        """A SEAMCALL on an entry."""
        self.do(what, td=TD, gpa=gfn << 12, level=level, **args, ret=self.status())

    def sequence(self, found: re.Match[str]) -> None:
        """One step of BLOCK, TRACK, kick, REMOVE or DEMOTE."""
        entry, what, how = found.groups()
        small = re.fullmatch(r"zap(?:_(\d))?", entry)
        gfn, level = (self.gfn(int(small.group(1) or 0)), 1) if small else (self.scribe.base, 2)
        if what == "track":
            self.do(p.TRACK, td=TD, ret=self.status())
        elif what == "kick":
            self.do(p.KICK, kvm=KVM, req=0)
        elif what == "block":
            level = 1 if self.new["bug"] and BUGS[self.new["bug"]].word == "BLOCK_WALK" else level
            self.call(p.BLOCK, gfn, level)
        elif what == "demote":
            self._demote(how or "")
        else:
            self.call(p.REMOVE, gfn, level)
            if not self.status():
                self._removed(gfn, level)
        if self.status() == _BUSY and how == "busy":
            self.do(p.KICK, kvm=KVM, req=0)

    def _demote(self, how: str) -> None:
        base = self.scribe.base
        if how == "failure_ignored":
            self.do(p.DEMOTE, td=TD, gpa=base << 12, level=2, ret=_CODES["INTERRUPTED_RESTARTABLE"])
        else:
            self.call(p.DEMOTE, base, 2)
        if how == "failure_ignored" or not self.status():
            self.do(p.SPLIT, gfn=base, level=2, errno=0)
            self.do(p.SPTE, gfn=base, level=2, old_spte=_PRESENT | _HUGE, new_spte=_PRESENT)
            self.scribe.rest = True

    def _removed(self, gfn: int, level: int) -> None:
        s = self.scribe
        for i in range(512 if level > 1 else 1):
            self.do(p.FLUSH, pfn=s.pfn + gfn - s.base + i, ret=0)
        self.do(p.SPTE, gfn=gfn, level=level, old_spte=_PRESENT | (_HUGE if level > 1 else 0), new_spte=0)
        if self.new["pamt_count"] < self.old["pamt_count"]:
            self.do(p.PAMT_PUT, pfn=s.pfn + gfn - s.base)

    def the_rest(self) -> None:
        """The pages that the model has no variables for are removed too."""
        s = self.scribe
        s.rest = False
        for gfn in range(s.base + s.pages - 1, s.base + 511):
            self.do(p.BLOCK, td=TD, gpa=gfn << 12, level=1, ret=0)
            self.do(p.TRACK, td=TD, ret=0)
            self.do(p.KICK, kvm=KVM, req=0)
            self.do(p.REMOVE, td=TD, gpa=gfn << 12, level=1, ret=0)
            self.do(p.FLUSH, pfn=s.pfn + gfn - s.base, ret=0)
            self.do(p.PAMT_PUT, pfn=s.pfn + gfn - s.base)

    # -- vCPUs ---------------------------------------------------------------------------------------------------------

    def vcpu(self) -> None:
        """A step of a vCPU thread."""
        word, _, page = self.move.name.rstrip("]").partition("[")
        number = self.pid - VCPU0
        gfn = self.gfn(int(page)) if page.isdigit() else self.scribe.base
        if word in ("enter", "first_enter"):
            self.do(p.ENTER, vcpu=number)
        elif word == "exit":
            self.do(p.LEAVE, vcpu=number, info2=0)
        elif word in ("ept_violation", "accept_4k_violation"):
            self.do(p.LEAVE, vcpu=number, info2=int(word.startswith("accept")))
            self.do(p.FAULT, vcpu=number, address=gfn << 12, error_code=0)
        elif word in ("get_pfn", "gmem_enomem"):
            self.do(p.PFN_ASKED, kvm=KVM, gfn=gfn)
            self.do(p.PFN_GIVEN, kvm=KVM, gfn=gfn, ret=0 if word == "get_pfn" else -12)
        else:
            self._map(word, gfn)

    def _map(self, word: str, gfn: int) -> None:
        s = self.scribe
        pfn = s.pfn + gfn - s.base
        changed = self.new["pamt_count"] - self.old["pamt_count"]
        if word.startswith("sept_add"):
            self.call(p.SEPT_ADD, s.base, 2)
            if not self.status():
                self.do(p.SPTE, gfn=s.base, level=2, old_spte=0, new_spte=_PRESENT)
        elif word.startswith("aug_"):
            level = 2 if word.startswith("aug_2m") else 1
            if level == 1 or changed:
                self.do(p.PAMT_GET, pfn=pfn, ret=0)
            self.call(p.AUG, gfn, level, pfn=pfn)
            if word.endswith("busy") and level == 1 and not changed:
                self.do(p.PAMT_PUT, pfn=pfn)
        elif word == "unfreeze_4k":
            self.do(p.SPTE, gfn=gfn, level=1, old_spte=0, new_spte=_PRESENT)
        elif word == "unfreeze_2m":
            self.do(p.SPTE, gfn=gfn, level=2, old_spte=0, new_spte=_PRESENT | _HUGE)


def counterexample(moves: Sequence[int], states: Sequence[bytes], scribe: Scribe) -> None:
    """The events of a path."""
    for number, n in enumerate(moves):
        scribe.step(n, states[number], states[number + 1])


def run_on(scribe: Scribe, state: bytes, seed: int, steps: int) -> None:
    """A random run from a state, as far as it goes."""
    chance, advance = random.Random(seed), numbered_successors(scribe.machine)
    for _ in range(steps):
        out: list[tuple[int, bytes]] = []
        advance(state, out.append)
        if not out:
            return
        n, after = chance.choice(out)
        scribe.step(n, state, after)
        state = after


def walk(scribe: Scribe, chance: random.Random, steps: int) -> None:
    """A random run of the model from its first state, on until nothing is under way."""
    machine = scribe.machine
    advance, state, rests = numbered_successors(machine), machine.init, _at_rest(machine)
    left = steps
    while left > 0 or not rests(state):
        out: list[tuple[int, bytes]] = []
        advance(state, out.append)
        n, after = _chosen(machine, out, chance, left > 0)
        scribe.step(n, state, after)
        state, left = after, left - 1


def _chosen(machine: Machine, out: list[tuple[int, bytes]], chance: random.Random, free: bool) -> tuple[int, bytes]:
    """Any move; near the end none that starts something."""
    if not free:
        out = [one for one in out if not _STARTS(machine.moves[one[0]].name)] or out
    return chance.choice(out)


def _at_rest(machine: Machine) -> Callable[[bytes], bool]:
    at = {v.name: n for n, v in enumerate(machine.variables)}
    rest = [(at[a.pc], a.places.index("outside" if a.name.startswith("vcpu") else "idle")) for a in machine.actors]
    return lambda state: all(state[place] == number for place, number in rest)


def walks(scribe: Scribe, seed: int, steps: int, regions: int = 1) -> Scribe:
    """A random run for each of some regions, one after the other."""
    chance = random.Random(seed)
    for _ in range(regions):
        scribe.rest = False
        walk(scribe, chance, steps)
        scribe.base += 512
        scribe.pfn += 512
    return scribe


def jittered(told: Iterable[Happening], seed: int, reach: int) -> Iterator[Happening]:
    """The same events in the order in which the buffers of several CPUs may be written out: of each CPU in its own."""
    chance = random.Random(seed)
    keyed: list[tuple[int, int, Happening]] = []
    last: dict[int, int] = {}
    for n, one in enumerate(told):
        place = max(last.get(one.cpu, 0), n + chance.randrange(reach))
        last[one.cpu] = place
        keyed.append((place, n, one))
    yield from (one for _, _, one in sorted(keyed, key=lambda k: k[:2]))
