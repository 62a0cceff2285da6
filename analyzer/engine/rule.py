"""Rule: one thing that maintainers object to; what a check may ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from analyzer.analyses.facts import Facts
from analyzer.core.finding import Finding, Provenance, Severity, Stage
from analyzer.core.source import covers
from analyzer.engine.series import SeriesFacts

CodeCheck = Callable[[Facts], Iterable[Finding]]
SeriesCheck = Callable[[SeriesFacts], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, complete with reason, provenance and examples.

    ``id`` is the public name, ``catalog`` its number in the rule catalog. Exactly one of ``check`` (from the facts of
    one snapshot) and ``series_check`` (from all steps of a series) is set. ``scope`` are path patterns of findings;
    ``bad`` and ``good`` are C examples with ``// expect`` marks. Rules that share an analysis which takes long name it
    in ``solves``, so that one process does both.
    """

    id: str
    catalog: int
    severity: Severity
    scope: tuple[str, ...]
    provenance: tuple[Provenance, ...]
    bad: tuple[str, ...]
    good: tuple[str, ...]
    check: CodeCheck | None = None
    series_check: SeriesCheck | None = None
    stage: Stage = Stage.STABLE
    solves: str = ""
    doc: str = field(default="")

    @property
    def summary(self) -> str:
        """The first line of the text."""
        return self.doc.strip().split("\n", 1)[0]

    def covers(self, path: str) -> bool:
        """Whether a path is in scope."""
        return covers(self.scope, path)


def complete(rule: Rule) -> list[str]:
    """What a rule lacks; empty when it may be loaded."""
    missing = []
    if not rule.doc.strip():
        missing.append("text")
    if not rule.provenance:
        missing.append("provenance")
    if rule.check is None and rule.series_check is None:
        missing.append("check")
    if not rule.bad or not rule.good:
        missing.append("a bad and a good example")
    if rule.check is not None and any("// expect" not in example for example in rule.bad):
        missing.append("a mark in each bad example")
    return missing
