"""One objection as the terminal report tells it: the place, the path to it, and who said so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analyzer.core.finding import Certainty, Finding, Provenance, Severity, Stage, Step
from analyzer.report.paper import CYAN, DIM, GREEN, RED, YELLOW, Paper

SOURCES = 2  # places where a rule was stated that an entry names unless all are asked for

_STYLE = {Severity.ERROR: RED, Severity.WARNING: YELLOW, Severity.INFO: CYAN}


@dataclass(frozen=True, slots=True)
class Entry:
    """A finding and its likes: same rule, function, patch and fate; ``others`` are told by line only."""

    first: Finding
    others: tuple[Finding, ...]


def folded(findings: Iterable[Finding]) -> list[Entry]:
    """Entries in the order of their first finding; the surest finding of a group speaks for it."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        key = (finding.patch, finding.rule, finding.function or finding.location)
        groups.setdefault((*key, finding.severity, finding.change, finding.fixed_by), []).append(finding)
    return [_entry(group) for group in groups.values()]


def _entry(group: Sequence[Finding]) -> Entry:
    first = max(group, key=lambda finding: (finding.certainty is Certainty.MUST, bool(finding.trace)))
    return Entry(first, tuple(finding for finding in group if finding is not first))


def head(paper: Paper, finding: Finding) -> list[str]:
    """``path:line: error: message [rule]``, wrapped."""
    trial = " (on trial)" if finding.stage is Stage.TRIAL else ""
    text = f"{finding.message} [{finding.rule}]{trial}"
    return paper.text(text, hang=4, style=_STYLE[finding.severity], lead=f"{finding.location}: {finding.severity}: ")


def told(paper: Paper, entry: Entry, cite: bool, verbose: bool) -> list[str]:
    """The whole entry; ``cite`` adds who stated the rule, where it was not said before."""
    finding = entry.first
    out = head(paper, finding)
    if finding.fixed_by is not None:
        out += paper.text(f"fixed by patch {finding.fixed_by}", indent=4, style=GREEN)
    if finding.verdict and (cite or not finding.verdict.startswith("depends on code")):  # that is the same for a rule
        out += paper.text(f"model: {finding.verdict}", indent=4, hang=2, style=DIM)
    out += _where(paper, finding)
    out += _path(paper, finding.trace)
    out += _also(paper, entry)
    if cite:
        out += _sources(paper, finding, verbose)
    return out


def _where(paper: Paper, finding: Finding) -> list[str]:
    parts = [f"in {finding.function}()"] if finding.function else []
    if finding.certainty is Certainty.MAY:
        parts.append("may: code that is not shown here could rule it out")
    return paper.text("; ".join(parts), indent=4, hang=2) if parts else []


def _path(paper: Paper, trace: Sequence[Step]) -> list[str]:
    out: list[str] = []
    for number, step in enumerate(trace, start=1):
        where = f"{step.location} {step.function}(): " if step.function else f"{step.location}: "
        out += paper.text(where + step.note, indent=6, hang=4, style=DIM, lead=f"{number}. ")
    return out


def _also(paper: Paper, entry: Entry) -> list[str]:
    first = entry.first
    here = [f for f in entry.others if f.location.path == first.location.path and f.message == first.message]
    same = sorted({f.location.line for f in here} - {first.location.line})
    out: list[str] = []
    if same:
        lines = ", ".join(str(line) for line in same)
        out += paper.text(f"also at line{'s' if len(same) > 1 else ''} {lines}", indent=4, hang=2)
    for other in entry.others:
        if other not in here:
            line = f"line {other.location.line}" if other.location.path == first.location.path else str(other.location)
            out += paper.text(f"also at {line}: {other.message}", indent=4, hang=2)
    return out


def _sources(paper: Paper, finding: Finding, verbose: bool) -> list[str]:
    shown = finding.provenance if verbose else finding.provenance[:SOURCES]
    out: list[str] = []
    for source in shown:
        out += paper.text(_said(source), indent=4, hang=2, style=DIM)
        out += paper.text(source.url, indent=6, style=DIM)
    left = len(finding.provenance) - len(shown)
    if left:
        out += paper.text(f"and {left} more: nak explain {finding.rule}", indent=4, style=DIM)
    return out


def _said(source: Provenance) -> str:
    who = ", ".join(part for part in (source.who, source.date) if part)
    text = f"stated by {who}" if source.who else f"stated in a {source.kind}" + (f", {who}" if who else "")
    return f"{text}: {source.note}" if source.note else text
