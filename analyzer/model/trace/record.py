"""One line of a trace as it was recorded, and the limits a trace is read within."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

LOST: Final = "lost events"  # the event name of a marker that says events are missing here
GAP_END: Final = "end of lost events"  # and of one that says they are complete again on this CPU


class Format(StrEnum):
    """Who wrote the text."""

    TRACEFS = "tracefs"
    TRACE_CMD = "trace-cmd report"
    PERF = "perf script"
    BPFTRACE = "bpftrace"
    UNKNOWN = "unknown"


class Record(msgspec.Struct, frozen=True, gc=False):
    """A recorded event before it means anything.

    ``time`` is in nanoseconds (ticks under a clock that counts ticks), ``cpu`` -1 when nobody said, ``flags`` the
    five context characters of tracefs or empty, ``event`` without its subsystem. Of a LOST record ``body`` is how many.
    """

    time: int
    cpu: int
    pid: int
    task: str
    flags: str
    event: str
    body: str
    line: int


@dataclass(frozen=True, slots=True)
class TraceLimits:
    """What is read of a trace at most; more gives a partial answer and a Problem."""

    bytes: int = 8 << 30  # after decompression
    line_bytes: int = 64 << 10  # a longer line is left out
    events: int = 50_000_000
    entries: int = 4_000_000  # S-EPT entries, pages, tasks and locks followed at a time
    window: int = 1 << 16  # records put in order at a time
    breaches: int = 20  # told in full for each rule; the others are counted


DEFAULT = TraceLimits()
