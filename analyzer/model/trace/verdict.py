"""What a trace says about the rules: values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from analyzer.core.problem import Problem
from analyzer.model.trace.events import Event
from analyzer.model.trace.record import Format


class Outcome(StrEnum):
    """The answer for one rule; the words are part of the JSON contract."""

    VIOLATED = "violated"
    CONFORMS = "conforms"  # on what was seen
    UNKNOWN = "unknown"  # events are missing from the trace
    NOT_OBSERVABLE = "not-observable"  # with the probes that were recorded


@dataclass(frozen=True, slots=True)
class Violation:
    """One event that broke a guard, with the earlier events that show it."""

    guard: str
    why: str
    event: Event
    shown: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class GuardState:
    """One guard over the whole trace.

    ``decided`` of the ``met`` events could be judged. ``missing`` are groups of events of each of which one probe is
    needed; empty when the guard was observable.
    """

    guard: str
    met: int
    decided: int
    broken: int
    missing: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one rule; ``count`` violations, of which the first are told."""

    rule: str
    outcome: Outcome
    reason: str
    guards: tuple[GuardState, ...] = ()
    violations: tuple[Violation, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """A result of a SEAMCALL that was no success, by name; ``line`` is its first."""

    call: str
    status: str
    count: int
    line: int


@dataclass(frozen=True, slots=True)
class TraceReport:
    """All about one trace."""

    where: str
    format: Format
    lines: int
    records: int
    events: int
    tds: int
    seen: tuple[tuple[str, int], ...]
    lost: tuple[Event, ...]
    statuses: tuple[Status, ...]
    verdicts: tuple[Verdict, ...]
    problems: tuple[Problem, ...]
    recorded: frozenset[str] = frozenset()  # events whose probes were on
    unplaced: bool = False  # events were lost, unreadable or too late, and nobody says where they belong

    @property
    def violated(self) -> bool:
        """Whether any rule was broken."""
        return any(verdict.outcome is Outcome.VIOLATED for verdict in self.verdicts)
