"""Review to text for people: by patch, each objection with its path and its source, then what was not seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from analyzer.core.finding import Change, Finding, Severity
from analyzer.core.result import Review, SeriesInfo
from analyzer.report import tables
from analyzer.report.entry import folded, head, told
from analyzer.report.order import in_order
from analyzer.report.paper import BOLD, DIM, Paper, use_color
from analyzer.report.tables import counted

__all__ = ["render", "use_color"]

_NOUN = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


@dataclass(slots=True)
class _Writer:
    """The report as it grows, and the rules whose source was already given."""

    paper: Paper
    verbose: bool
    lines: list[str] = field(default_factory=list)
    cited: set[str] = field(default_factory=set)

    def heading(self, text: str) -> None:
        self.lines += ["", *self.paper.text(text, hang=4, style=BOLD)]

    def entries(self, findings: Iterable[Finding]) -> None:
        for entry in folded(findings):
            rule = entry.first.rule
            cite = self.verbose or rule not in self.cited
            self.cited.add(rule)
            self.lines += ["", *told(self.paper, entry, cite, self.verbose)]


def render(review: Review, *, color: bool, width: int, show_existing: bool, verbose: bool) -> str:
    """The report as text that ends in a newline; ``width`` in columns, 0 to leave long lines alone.

    Of a series the introduced findings are told, by patch; those it fixes in one line each; existing ones only with
    ``show_existing``. Of a tree all are. ``verbose`` tells every problem and every source.
    """
    out = _Writer(Paper(color, width), verbose)
    findings = in_order(review.findings)
    if review.series is None:
        out.entries(_objections(findings))
        _section(out, "For information:", _notes(findings))
    else:
        _series(out, review.series, findings, show_existing)
    out.lines += tables.problems(out.paper, review.problems, verbose)
    if verbose or review.series is None:
        out.lines += tables.stats(out.paper, review.stats)
    out.lines += ["", *_summary(out.paper, review, findings, show_existing)]
    return "\n".join(out.lines).lstrip("\n") + "\n"


def _series(out: _Writer, series: SeriesInfo, findings: Sequence[Finding], show_existing: bool) -> None:
    total = series.total or max((patch.index for patch in series.patches), default=0)
    cover = f"{_tag(series, '0', total)} {series.title}"
    out.lines += out.paper.text(cover, hang=4, style=BOLD)
    base = f"{series.base_commit} ({series.base_reason})" if series.base_commit else series.base_reason
    out.lines += out.paper.text(f"base: {base or 'none'}", indent=2, hang=4, style=DIM)
    introduced = [finding for finding in findings if finding.change is Change.INTRODUCED]
    titles = {
        patch.index: f"{_tag(series, patch.label or str(patch.index), total)} {patch.title}" for patch in series.patches
    }
    _by_patch(out, titles, _objections(introduced))
    if show_existing:
        _section(out, "There before the series:", [f for f in findings if f.change is Change.EXISTING])
    fixed = _mended(findings, introduced)
    if fixed:
        out.heading("There before the series, and fixed by it:")
        for finding in fixed:
            out.lines += head(out.paper, finding)
    notes = _notes(introduced)
    if notes:
        out.heading("For information:")
        _by_patch(out, titles, notes)


def _mended(findings: Iterable[Finding], introduced: Iterable[Finding]) -> list[Finding]:
    """What the series fixed; not what a patch only replaced by the same objection in other words."""
    brought = {(f.rule, f.function, f.patch) for f in introduced}
    return [f for f in findings if f.change is Change.FIXED and (f.rule, f.function, f.fixed_by) not in brought]


def _by_patch(out: _Writer, titles: dict[int, str], findings: Sequence[Finding]) -> None:
    for patch in dict.fromkeys(finding.patch for finding in findings):
        if patch is None:
            out.heading("The series as a whole")
        else:
            out.heading(titles.get(patch, f"patch {patch}"))
        out.entries(finding for finding in findings if finding.patch == patch)


def _section(out: _Writer, heading: str, findings: Sequence[Finding]) -> None:
    if findings:
        out.heading(heading)
        out.entries(findings)


def _tag(series: SeriesInfo, number: str, total: int) -> str:
    revision = f" v{series.revision}" if series.revision not in ("", "1") else ""
    return f"[PATCH{revision} {number}/{total}]"


def _objections(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is not Severity.INFO]


def _notes(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.INFO]


def _summary(paper: Paper, review: Review, findings: Sequence[Finding], show_existing: bool) -> list[str]:
    told_of = findings if review.series is None else [f for f in findings if f.change is Change.INTRODUCED]
    if review.series is None:
        files = len({finding.location.path for finding in _objections(told_of)})
        where = f" in {counted(files, 'file')}" if files else ""
    else:
        touched = len({finding.patch for finding in _objections(told_of) or told_of})
        some = f"{touched} of " if touched else ""
        where = f" in {some}{counted(len(review.series.patches), 'patch', 'patches')}"
    text = f"{_counts(told_of) or 'nothing to object to'}{where}"
    if review.problems:
        text += f"; {counted(len(review.problems), 'problem')}: not everything was seen"
    out = paper.text(text, hang=2, style=BOLD)
    out += _per_patch(paper, review.series, told_of)
    out += _fates(paper, review.series, findings, show_existing)
    return out


def _per_patch(paper: Paper, series: SeriesInfo | None, findings: Sequence[Finding]) -> list[str]:
    if series is None or not findings:
        return []
    groups: dict[int | None, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.patch, []).append(finding)
    parts = [f"{'series' if patch is None else f'patch {patch}'}: {_counts(group)}" for patch, group in groups.items()]
    return paper.text("; ".join(parts), indent=2, hang=2)


def _fates(paper: Paper, series: SeriesInfo | None, findings: Sequence[Finding], show_existing: bool) -> list[str]:
    if series is None:
        return []
    later = sum(finding.change is Change.INTRODUCED and finding.fixed_by is not None for finding in findings)
    changes = Counter(finding.change for finding in findings)
    mended = len(_mended(findings, [f for f in findings if f.change is Change.INTRODUCED]))
    parts = []
    if later:
        parts.append(f"{later} fixed later in the series")
    if mended:
        parts.append(f"{mended} older fixed by the series")
    if changes[Change.EXISTING]:
        hidden = "" if show_existing else ", not shown"
        parts.append(f"{changes[Change.EXISTING]} older left as they are{hidden}")
    return paper.text("; ".join(parts), indent=2, hang=2) if parts else []


def _counts(findings: Iterable[Finding]) -> str:
    counts = Counter(finding.severity for finding in findings)
    return ", ".join(counted(counts[severity], noun) for severity, noun in _NOUN.items() if counts[severity])
