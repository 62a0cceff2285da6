"""Lines to records: tracefs, trace-cmd report, perf script, our bpftrace script; recognised from the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from analyzer.core.problem import Problem, ProblemKind
from analyzer.model.trace.record import GAP_END, LOST, Format, Record

# comm may hold blanks, slashes and "-12 [000]"; the kernel cuts it at 15 bytes: the last "-pid [cpu]" in reach is it.
# tracefs and trace-cmd write "comm-pid", perf "comm pid" or "comm pid/tid". (kernel/trace/trace_output.c)
_LINE = re.compile(
    r"\s*+(.{0,40})([-\s])(?:\d+/)?(\d++)\s++(?:\(\s*+[-\d]++\)\s++)?\[(\d++)\]\s++(?:([^\s:]{4,6})\s++)?"
    r"(\d++)(?:\.(\d++))?:\s++(\d+ )?\s*+([\w.\-]++)(?::(\w[\w.\-]*+))?:?(?:\s++|$)(.*)"
).match
# tracefs and trace-cmd put it in front of the first event after the gap; bpftrace says it whenever it notices.
_LOST = re.compile(r"\s*(?:CPU:?\s*(\d+)\s+\[(?:LOST )?(?:(\d+) )?EVENTS(?: DROPPED)?\]|Lost (\d+) events)").match
_PERF_LOST = "PERF_RECORD_LOST"
_MARKS = (
    (re.compile(r"#\s*tracer:|#\s+_-----=>"), Format.TRACEFS),
    (re.compile(r"cpus=\d+|version = \d"), Format.TRACE_CMD),
    (re.compile(r"# nak bpftrace|Attaching \d+ probes?"), Format.BPFTRACE),
    (re.compile(r"# captured on|# cmdline : .*perf|# event : name"), Format.PERF),
)
_GRAPH = re.compile(r"\s*\d+\)\s+(?:[$!#*@+]?\s*[\d.]+ us\s+)?\|")
_LATENCY = re.compile(r"#\s*(?:latency:|_------=> CPU#)")
ARMED: Final = "# nak armed:"  # written in front of a trace by the scripts of plan.py and bpftrace.py
_ARMED_MOST: Final = 100
_NANO = 10**9


@dataclass(slots=True)
class Parser:
    """Turns the lines of one trace into records and keeps count of what it could not read."""

    format: Format = Format.UNKNOWN
    lines: int = 0
    found: int = 0
    unread: int = 0
    first_unread: int = 0
    graph: int = 0
    latency: bool = False
    last: dict[int, int] = field(default_factory=dict)  # CPU -> time of its last record
    armed: set[str] = field(default_factory=set)  # what our own scripts say was recorded
    gaps: set[int] = field(default_factory=set)  # CPUs whose next record ends a gap

    def records(self, lines: Iterable[str]) -> list[Record]:
        """The records of one chunk of lines."""
        found: list[Record] = []
        add, number, last, gaps = found.append, self.lines, self.last, self.gaps
        for line in lines:
            number += 1
            match = _LINE(line)
            if match is None:
                if line:
                    found.extend(self._other(line, number))
                continue
            comm, gap, pid, cpu, flags, sec, frac, _period, event, name, body = match.groups()
            if frac is None:
                time = int(sec[:30])
            elif len(frac) == 6:
                time = int(sec[:20] + frac) * 1000
            else:
                time = int(sec[:20]) * _NANO + int(frac[:9].ljust(9, "0"))
            if self.format is Format.UNKNOWN:
                self.format = Format.PERF if gap != "-" else Format.TRACEFS if flags else Format.TRACE_CMD
            core = int(cpu[:9])
            if event == _PERF_LOST:
                found.append(self._gap(core, body, number))
                continue
            if gaps and core in gaps:
                gaps.discard(core)
                add(Record(time, core, -1, "", "", GAP_END, "", number))
            last[core] = time
            add(Record(time, core, int(pid[:18]), comm.rstrip(), flags or "", name or event, body, number))
        self.lines, self.found = number, self.found + len(found)
        return found

    def _other(self, line: str, number: int) -> Iterator[Record]:
        """A line that is no event: a marker, a header, or something unread."""
        lost = _LOST(line)
        if lost is not None:
            core, *counts = lost.groups()
            yield self._gap(int((core or "-1")[:9]), next((x for x in counts if x), ""), number)
            return
        if line.startswith(ARMED):
            self.armed.update(line[len(ARMED) :].split()[:_ARMED_MOST])
            return
        for mark, written_by in _MARKS:
            if mark.match(line):
                self.format = written_by
                return
        if _LATENCY.match(line):
            self.latency = True
        if _GRAPH.match(line):
            self.graph += 1
        elif not line.isspace() and not line.startswith("#"):
            self.unread += 1
            self.first_unread = self.first_unread or number

    def _gap(self, core: int, amount: str, number: int) -> Record:
        """Events of a CPU are missing between its last record and its next; of CPU -1, nobody knows where."""
        if core >= 0:
            self.gaps.add(core)
        return Record(self.last.get(core, 0), core, -1, "", "", LOST, amount, number)

    def problems(self, where: str) -> Iterator[Problem]:
        """What the trace held that is no record."""
        if self.graph:
            detail = f"{self.graph} lines of the function_graph tracer hold no arguments; record %return probes instead"
            yield Problem(ProblemKind.MALFORMED, where, detail)
        if self.latency:
            yield Problem(
                ProblemKind.MALFORMED, where, "the latency layout has no timestamps; echo 0 > options/latency-format"
            )
        if self.unread:
            detail = f"{self.unread} of {self.lines} lines are no event, the first is line {self.first_unread}"
            yield Problem(ProblemKind.MALFORMED, where, detail)
