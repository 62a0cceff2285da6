"""Records to events: what happened to which entry of which TD."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from analyzer.model.trace import probes
from analyzer.model.trace.probes import PROBES, Probe, Side
from analyzer.model.trace.record import GAP_END, LOST, Record

_U64: Final = (1 << 64) - 1
# Linear on any text: a name starts where a word does, and is short.
_KV = re.compile(r"(?<!\w)(\w{1,32})=(-?\w+)").findall
_SYMBOL = re.compile(r"\((?:\S+ <- )?(\w+?)(?:\.\w+)*(?:\+0x[0-9a-f]+)?(?:/0x[0-9a-f]+)?(?: \[\w+\])?\)")
_NAMES: Final = 10_000  # event names that are remembered
_DIGITS: Final = 68
_VCPU = re.compile(r"vcpu (\d+)").match
# trace-cmd's plugin for kvm writes "info <info1> <info2>" in hex without 0x.
_INFO2 = re.compile(r" info2 (?:0x)?([0-9a-f]{1,16})\b| info (?:0x)?[0-9a-f]{1,16} (?:0x)?([0-9a-f]{1,16})\b").search
# What raw output (trace-cmd report -R) calls by the names of the record's fields.
_ALIASES: Final = {"vcpu_id": "vcpu", "fault_address": "address"}
_ACCEPT: Final = 1  # extended exit qualification, bits 3:0 (vmx/tdx.c: tdx_get_exit_info)
_RV = re.compile(r"(?:(-?\w+): )?event (\S+) not expected in the state (\S+)(?: with env (\S+))?")
_TRY, _READ = 1, 2  # flags of lock:lock_acquire


class Event(msgspec.Struct, frozen=True, gc=False):
    """What one record says; a field nobody filled is -1, pointers and texts 0 and empty.

    ``gfn`` to ``end`` (exclusive) is a range where an event has one. ``level`` is as in enum pg_level: 1 is 4K.
    ``status`` is what a SEAMCALL or a function returned. ``value`` is the attribute, order or errno; ``old`` and
    ``new`` are the SPTE.
    """

    what: str
    record: Record
    pid: int
    td: int = 0
    kvm: int = 0
    vcpu: int = -1
    gfn: int = -1
    end: int = -1
    level: int = 0
    status: int = 0
    pfn: int = -1
    value: int = 0
    old: int = 0
    new: int = 0
    lock: int = 0
    text: str = ""

    @property
    def ok(self) -> bool:
        """Whether the call succeeded."""
        return self.status == 0


_Make = Callable[[Record], Event | None]


def number(text: str) -> int:
    """``0x1f``, ``31``, ``-11``, ``ffff`` after a 0x that was left out; ValueError where it is none."""
    if len(text) > _DIGITS:
        raise ValueError("too long for a number")
    try:
        return int(text, 0)
    except ValueError:
        return int(text, 16 if text.strip("0123456789-") else 10)


def signed(value: int) -> int:
    """An int as the kernel's int: a return value printed as 32 or 64 unsigned bits becomes negative again."""
    if value >= 1 << 63:
        return value - (1 << 64)
    return value - (1 << 32) if 1 << 31 <= value < 1 << 32 else value


def _fields(what: str, record: Record, found: dict[str, int]) -> Event:
    """An event of named arguments."""
    get = found.get
    gpa = get("gpa", get("address", -1))
    gfn = gpa >> 12 if gpa >= 0 else get("gfn", get("start", -1))
    status = get("ret", 0)
    status = status & _U64 if what in probes.SEAMCALLS else signed(status)
    value = get("attr", get("order", get("errno", get("req", get("reason", 0)))))
    level = get("level", 1 if what == probes.ADD else 0)
    end, old, new, name = get("end", -1), get("old_spte", 0), get("new_spte", 0), ""
    if what == probes.LEAVE:
        level = accept_level(get("info2", 0))
    return Event(
        what, record, record.pid, get("td", 0) & _U64, get("kvm", 0) & _U64, get("vcpu", -1), gfn, end, level, status,
        get("pfn", -1), value, old & _U64, new & _U64, get("lock", 0) & _U64, name,
    )  # fmt: skip


def accept_level(info2: int) -> int:
    """The level a guest accepts at (extended exit qualification: type ACCEPT, level in 34:32 from 0); 0 if none."""
    return (info2 >> 32 & 7) + 1 if info2 & 0xF == _ACCEPT else 0


def _named(what: str) -> _Make:
    def make(record: Record) -> Event | None:
        found = {_ALIASES.get(name, name): number(text) for name, text in _KV(record.body)}
        return _fields(what, record, found) if found else None

    return make


def _call(probe: Probe) -> _Make:
    """The arguments in the order of our own probe line by one match; any other order by name."""
    names = [arg.name for arg in probe.args]
    match = re.compile(r".*?\b" + " ".join(rf"{name}=(-?\w+)" for name in names)).match
    what = probe.what
    # Without its status a return says nothing; without its PFN an AUG still says most.
    needed = frozenset(names) - ({"pfn"} if what in (probes.AUG, probes.ADD) else set())

    def make(record: Record) -> Event | None:
        found = match(record.body)
        if found is not None:
            return _fields(what, record, dict(zip(names, map(number, found.groups()), strict=True)))
        values = {name: number(text) for name, text in _KV(record.body)}
        if needed - values.keys():
            raise ValueError("an argument was not recorded")
        return _fields(what, record, values)

    return make


def _native(what: str, pattern: str, base: dict[str, int] | None = None) -> _Make:
    """A tracepoint as its own TP_printk writes it; as name=value when bpftrace wrote it."""
    expression = re.compile(pattern)
    match, names, bases = expression.match, list(expression.groupindex), base or {}
    slow = _named(what)

    def make(record: Record) -> Event | None:
        found = match(record.body)
        if found is None:
            return slow(record)
        values = {}
        for name, text in zip(names, found.groups(), strict=True):
            values[name] = int(text, bases[name]) if name in bases else number(text)
        return _fields(what, record, values)

    return make


def _entered(record: Record) -> Event | None:
    found = _VCPU(record.body)
    if found is None:
        return _slow_enter(record)
    return Event(probes.ENTER, record, record.pid, vcpu=number(found.group(1)))


def _left(record: Record) -> Event | None:
    found = _VCPU(record.body)
    if found is None:
        return _slow_leave(record)
    info = _INFO2(record.body)
    level = accept_level(int(info.group(info.lastindex or 1), 16)) if info is not None else 0
    return Event(probes.LEAVE, record, record.pid, vcpu=number(found.group(1)), level=level)


_slow_enter = _named(probes.ENTER)
_slow_leave = _named(probes.LEAVE)


def _lockdep(what: str) -> _Make:
    def make(record: Record) -> Event | None:
        if "mmu_lock" not in record.body:
            return None
        read = " read " in record.body
        flags = re.search(r"flags=(\d{1,3})", record.body)
        if flags is not None:
            read = bool(int(flags.group(1)) & _READ)
        return Event(what, record, record.pid, value=int(read), text="mmu_lock")

    return make


def _rv(record: Record) -> Event | None:
    found = _RV.match(record.body)
    monitor = record.event.removeprefix("error_").removeprefix("env_")
    if found is None and "violation" not in record.body:
        return None
    return Event(probes.RV_ERROR, record, record.pid, text=monitor)


_HEX: Final = 16
_MAKERS: Final[dict[str, _Make]] = {
    "kvm_entry": _entered,
    "kvm_exit": _left,
    "kvm_page_fault": _native(probes.FAULT, r"vcpu (?P<vcpu>\d+) rip \S+ address (?P<address>\w+)"),
    "kvm_tdp_mmu_spte_changed": _native(
        probes.SPTE,
        r"as id -?\d+ gfn (?P<gfn>[0-9a-f]+) level (?P<level>\d+) old_spte (?P<old_spte>[0-9a-f]+)"
        r" new_spte (?P<new_spte>[0-9a-f]+)",
        {"gfn": _HEX, "old_spte": _HEX, "new_spte": _HEX},
    ),
    "kvm_mmu_split_huge_page": _native(
        probes.SPLIT,
        r"gfn (?P<gfn>[0-9a-f]+) spte [0-9a-f]+ level (?P<level>\d+) errno (?P<errno>-?\d+)",
        {"gfn": _HEX},
    ),
    "kvm_vm_set_mem_attributes": _native(probes.ATTRIBUTES, r"(?P<start>\w+) -- (?P<end>\w+) \[(?P<attr>\w+)\]"),
    "lock_acquire": _lockdep(probes.LOCKDEP_ACQUIRE),
    "lock_release": _lockdep(probes.LOCKDEP_RELEASE),
    **{
        f"mm_filemap_{verb}_page_cache": _native(
            what,
            r"dev \S+ ino [0-9a-f]+ (?:page=\S+ )?pfn=(?P<pfn>\w+) ofs=\d+ order=(?P<order>\d+)",
        )
        for what, verb in ((probes.CACHE_ADD, "add_to"), (probes.CACHE_DELETE, "delete_from"))
    },
    **{probe.event: _call(probe) for probe in PROBES if probe.side is not Side.TRACEPOINT},
}
_BY_SYMBOL: Final[dict[tuple[str, bool], _Make]] = {
    (probe.target, probe.side is Side.EXIT): _MAKERS[probe.event]
    for probe in PROBES
    if probe.side is not Side.TRACEPOINT
}


@dataclass(slots=True)
class Mapper:
    """Maps the records of one trace; a name it meets for the first time is looked up once."""

    makers: dict[str, _Make | None] = field(default_factory=lambda: dict(_MAKERS))
    unreadable: int = 0
    first_unreadable: int = 0
    foreign: int = 0

    def event(self, record: Record) -> Event | None:
        """The event of a record, None where it is none of ours or its arguments cannot be read."""
        try:
            make = self.makers[record.event]
        except KeyError:
            make = self._find(record)
            if len(self.makers) < _NAMES:
                self.makers[record.event] = make
        if make is None:
            self.foreign += 1
            return None
        try:
            return make(record)
        except (ValueError, OverflowError):
            self.unreadable += 1
            self.first_unreadable = self.first_unreadable or record.line
            return None

    def _find(self, record: Record) -> _Make | None:
        """By what the user may have called it: perf's probe names, or the symbol that fprobe and kprobe write."""
        if record.event in (LOST, GAP_END):
            return lambda gap: Event(gap.event, gap, -1)
        if record.event.startswith("error_"):
            return _rv
        returned = " <- " in record.body[:200] or record.event.endswith(("__return", "__exit"))
        symbol = _SYMBOL.match(record.body)
        base = re.sub(r"__(?:return|exit|entry)$|_\d+$", "", re.sub(r"^[pr]_", "", record.event))
        return _BY_SYMBOL.get((symbol.group(1) if symbol else "", returned)) or _BY_SYMBOL.get((base, returned))
