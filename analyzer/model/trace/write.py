"""Events written as lines of a trace, in the layout of each tool that records one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from analyzer.model.trace import probes as p
from analyzer.model.trace.probes import BY_WHAT, Side
from analyzer.model.trace.record import Format

VCPU0, VCPU1, CONVERTER, ZAPPER = 4101, 4102, 4200, 4300  # threads; more vCPUs follow the second
NAMES: Final = {CONVERTER: "qemu-tdx", ZAPPER: "qemu-tdx"}


@dataclass(frozen=True, slots=True)
class Happening:
    """One event as it will be written; ``time`` is in nanoseconds."""

    time: int
    cpu: int
    pid: int
    flags: str
    what: str
    args: dict[str, int]


def _task(pid: int) -> str:
    if VCPU0 <= pid < CONVERTER:
        return f"CPU {pid - VCPU0}/KVM"
    return NAMES.get(pid, "kworker/u8:1")


_LAYOUT: Final = {
    Format.TRACEFS: "{task:>16s}-{pid:<7d} [{cpu:03d}] {flags} {time:>12s}: {event}: {body}",
    Format.TRACE_CMD: "{task:>16s}-{pid:<5d} [{cpu:03d}] {time:>12s}: {event:<20s} {body}",
    Format.PERF: "{task:>16s} {pid:>7d} [{cpu:03d}] {time:>12s}: {system}:{event}: {body}",
    Format.BPFTRACE: "{task}-{pid} [{cpu:03d}] {time}: {event}: {body}",
}
_HEAD: Final = {
    Format.TRACEFS: "# tracer: nop\n#\n#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION",
    Format.TRACE_CMD: "cpus=4",
    Format.PERF: "# captured on    : today",
    Format.BPFTRACE: "Attaching 20 probes...\n# nak bpftrace 1",
}
NATIVE: Final = {
    p.ENTER: "vcpu {vcpu}, rip 0x0 intr_info 0x00000000 error_code 0x00000000",
    p.LEAVE: "vcpu {vcpu} reason EPT_VIOLATION rip 0x0 info1 0x0000000000000182 info2 0x{info2:016x}"
    " intr_info 0x00000000 error_code 0x00000000 requests 0x0000000000000000",
    p.FAULT: "vcpu {vcpu} rip 0x0 address 0x{address:016x} error_code 0x{error_code:x}",
    p.SPTE: "as id 0 gfn {gfn:x} level {level} old_spte {old_spte:x} new_spte {new_spte:x}",
    p.SPLIT: "gfn {gfn:x} spte 0 level {level} errno {errno}",
    p.ATTRIBUTES: "{start:#016x} -- {end:#016x} [0x{attr:x}]",
    p.CACHE_ADD: "dev 0:1 ino {ino:x} pfn=0x{pfn:x} ofs=0 order={order}",
    p.CACHE_DELETE: "dev 0:1 ino {ino:x} pfn=0x{pfn:x} ofs=0 order={order}",
    p.LOCKDEP_ACQUIRE: "00000000deadbeef {read}&(kvm)->mmu_lock",
    p.LOCKDEP_RELEASE: "00000000deadbeef &(kvm)->mmu_lock",
}


def _named(args: dict[str, int]) -> str:
    return " ".join(
        f"{name}={'0x' if value > 9 else ''}{value:{'x' if value > 9 else 'd'}}" for name, value in args.items()
    )


def body(h: Happening, format_: Format) -> str:
    """The text after the event's name."""
    probe = BY_WHAT[h.what]
    if probe.side is Side.TRACEPOINT:
        if format_ is Format.BPFTRACE:
            if "read" in h.args:
                return f"flags={2 * h.args['read']} name=&(kvm)->mmu_lock"
            return _named(h.args) or "name=&(kvm)->mmu_lock"
        return NATIVE[h.what].format(**{**h.args, **({"read": "read " * h.args["read"]} if "read" in h.args else {})})
    if format_ is Format.BPFTRACE:
        return _named(h.args)
    where = f"(caller+0x12/0x80 <- {probe.target})" if probe.side is Side.EXIT else f"({probe.target}+0x4/0x40)"
    return f"{where} {_named(h.args)}"


def line(h: Happening, format_: Format) -> str:
    """One line of a trace."""
    probe = BY_WHAT[h.what]
    system = probe.target.partition(":")[0] if probe.side is Side.TRACEPOINT else "nak"
    event = probe.event + (":" if format_ is Format.TRACE_CMD else "")
    digits = 9 if format_ in (Format.BPFTRACE, Format.PERF) else 6
    time = f"{h.time // 10**9}.{h.time % 10**9:09d}"[: -9 + digits or None]
    return _LAYOUT[format_].format(
        task=_task(h.pid), pid=h.pid, cpu=h.cpu, flags=h.flags, time=time, event=event,
        system=system, body=body(h, format_),
    )  # fmt: skip


def write(told: Iterable[Happening], format_: Format) -> str:
    """A whole trace."""
    return "\n".join([_HEAD[format_], *(line(h, format_) for h in told)]) + "\n"
