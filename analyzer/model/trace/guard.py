"""What a guard is: one condition of a rule, looked at when an event comes, and the breach that says how it failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from analyzer.model.trace.events import Event
from analyzer.model.trace.world import Entry, Task, Vm, World


@dataclass(frozen=True, slots=True)
class Breach:
    """A guard that failed: in words, with the earlier events that show it, oldest first."""

    why: str
    shown: tuple[Event, ...] = ()


Test = Callable[[World, Event, Vm | None, Entry | None, Task], Breach | None]
UNDECIDED: Final = Breach("undecided")  # the history needed began before the trace, or before a loss


@dataclass(frozen=True, slots=True)
class Guard:
    """One condition of a rule.

    It is looked at on each event of ``on``. ``needs`` are groups of probes beside these: of each group one must have
    been recorded, or the guard cannot be decided. ``alone`` says that the event itself shows the breach, which
    stands where events were lost.
    """

    name: str
    on: tuple[str, ...]
    needs: tuple[tuple[str, ...], ...]
    test: Test
    alone: bool = False

    def missing(self, present: frozenset[str]) -> tuple[tuple[str, ...], ...]:
        """The groups of which nothing was recorded."""
        found = tuple(group for group in self.needs if present.isdisjoint(group))
        return found if not present.isdisjoint(self.on) else (self.on, *found)


@dataclass(frozen=True, slots=True)
class Monitor:
    """A rule as a trace can show it; ``blind`` says why one cannot."""

    rule: str
    catalog: int
    guards: tuple[Guard, ...] = ()
    blind: str = ""


def shown(entry: Entry | None, *others: Event | None) -> tuple[Event, ...]:
    """The history of an entry and other events, in order, each once."""
    events = {id(e): e for e in (*(entry.history if entry else ()), *others) if e is not None}
    return tuple(sorted(events.values(), key=lambda e: (e.record.time, e.record.line)))


def place(event: Event) -> str:
    """``gpa 0x80000000 level 2M``."""
    size = {0: "", 1: " 4K", 2: " 2M", 3: " 1G"}.get(event.level, f" level {event.level}")
    return f"gpa {event.gfn << 12:#x}{size}" if event.gfn >= 0 else "no gpa"
