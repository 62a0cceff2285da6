"""Records in the order of time: across CPUs by timestamp, of one CPU as they were written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from analyzer.model.trace.record import Record

_TAIL = 4096  # of what is passed on, as many say how late it is on each CPU


@dataclass(slots=True)
class Order:
    """Puts records in order within a window of ``window`` records.

    A CPU's clock that steps back does not change the order of that CPU's records: a record counts as not earlier
    than the one before it on its CPU. What comes later than the window allows is let through and counted in ``late``.
    """

    window: int
    late: int = 0
    latest: dict[int, int] = field(default_factory=dict)
    passed: int = -1

    def sorted(self, chunks: Iterable[list[Record]]) -> Iterator[list[Record]]:
        """The records of all chunks in order; the last ``window`` ones wait for what may come."""
        waiting: list[Record] = []
        for chunk in chunks:
            before = waiting[-1].time if waiting else self.passed
            waiting += chunk
            for record in chunk:
                if record.time < before:
                    waiting = self._in_order(waiting)
                    break
                before = record.time
            if len(waiting) > self.window:
                cut = len(waiting) - self.window
                ready, waiting = waiting[:cut], waiting[cut:]
                yield self._passed(ready)
        yield self._passed(waiting)

    def _in_order(self, records: list[Record]) -> list[Record]:
        latest: dict[int, int] = dict(self.latest)
        keys = []
        for i, record in enumerate(records):
            time = max(record.time, latest.get(record.cpu, -1))
            latest[record.cpu] = time
            keys.append((time, i))
        return [records[i] for _, i in sorted(keys)]

    def _passed(self, ready: list[Record]) -> list[Record]:
        if ready and ready[0].time < self.passed:
            self.late += sum(record.time < self.passed for record in ready)
        for record in ready[-_TAIL:]:
            self.latest[record.cpu] = max(record.time, self.latest.get(record.cpu, -1))
            self.passed = max(self.passed, record.time)
        return ready
