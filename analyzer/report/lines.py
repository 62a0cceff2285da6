"""Review to one line a finding, as compilers write them: for editors and grep."""

from __future__ import annotations

from analyzer.core.finding import Change, Finding, Severity
from analyzer.core.result import Review
from analyzer.core.visible import visible
from analyzer.report.order import in_order

_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render(review: Review) -> str:
    """``path:line: level: [rule] message`` for each finding; those of a series are the introduced ones only."""
    wanted = [f for f in review.findings if review.series is None or f.change is Change.INTRODUCED]
    return "".join(f"{_line(finding)}\n" for finding in in_order(wanted))


def _line(finding: Finding) -> str:
    place = f"{finding.location.path}:{max(finding.location.line, 1)}"
    text = f"{place}: {_LEVEL[finding.severity]}: [{finding.rule}] {finding.message}"
    if finding.fixed_by is not None:
        text += f" (fixed by patch {finding.fixed_by})"
    if finding.verdict:
        text += f" (model: {finding.verdict})"
    return visible(text)
