"""One event of a trace, as a line for people and as a value for machines."""

from __future__ import annotations

from typing import Final

from analyzer.core.visible import encodable, visible
from analyzer.model.trace.events import Event
from analyzer.model.trace.probes import SEAMCALLS
from analyzer.model.trace.record import GAP_END, LOST
from analyzer.model.trace.status import described

_WIDTH: Final = 240  # of a quoted trace line


def quoted(event: Event) -> str:
    """A line of the trace with its number; the status of a SEAMCALL by name behind it."""
    record = event.record
    status = f"  ({described(event.status)})" if event.what in SEAMCALLS and event.status else ""
    seconds = f"{record.time // 10**9}.{record.time % 10**9 // 1000:06d}"
    line = f"{record.task}-{record.pid} [{record.cpu:03d}] {seconds}: {record.event}: {record.body}"
    line = visible(line)
    return f"line {record.line}: {line if len(line) <= _WIDTH else line[: _WIDTH - 3] + '...'}{status}"


def event_value(event: Event) -> dict[str, object]:
    """The fields that are filled, and the record."""
    record = event.record
    found: dict[str, object] = {
        "what": event.what,
        "line": record.line,
        "time_ns": record.time,
        "cpu": record.cpu,
        "pid": record.pid,
        "task": encodable(record.task),
        "text": encodable(f"{record.event}: {record.body}"),
    }
    if event.what in (LOST, GAP_END):
        return found
    for name in ("td", "kvm", "lock"):
        if getattr(event, name):
            found[name] = f"{getattr(event, name):#x}"
    for name in ("vcpu", "gfn", "end", "pfn"):
        if getattr(event, name) >= 0:
            found[name] = getattr(event, name)
    if event.level:
        found["level"] = event.level
    if event.what in SEAMCALLS:
        found["status"] = described(event.status)
    return found
