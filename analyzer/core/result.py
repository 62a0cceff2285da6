"""Review: everything a report may use, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from analyzer.core.finding import Finding
from analyzer.core.problem import Problem


@dataclass(frozen=True, slots=True)
class PatchInfo:
    """A member of the series as reports name it."""

    index: int
    title: str
    message_id: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """The series as reports name it; ``base_reason`` says how the base was found, or why there is none."""

    title: str
    revision: str
    base_commit: str
    base_reason: str
    patches: tuple[PatchInfo, ...]
    total: int = 0  # the m of n/m; 0 when no member says it


@dataclass(frozen=True, slots=True)
class Review:
    """The outcome of one run.

    ``findings`` are ordered as a reviewer reads them: by patch, then path and line. ``stats`` maps a name
    to a number, a text or a nested table of numbers; it is printed as it is.
    """

    version: str
    series: SeriesInfo | None
    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    stats: Mapping[str, object] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
