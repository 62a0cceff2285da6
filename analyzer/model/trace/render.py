"""The report on a trace as text for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from analyzer.core.visible import encodable, visible
from analyzer.model.trace import replayed
from analyzer.model.trace.events import Event
from analyzer.model.trace.probes import shown_by
from analyzer.model.trace.quote import event_value, quoted
from analyzer.model.trace.verdict import GuardState, Outcome, TraceReport, Verdict, Violation
from analyzer.model.trace.window import Answer

_ORDER: Final = (Outcome.VIOLATED, Outcome.UNKNOWN, Outcome.CONFORMS, Outcome.NOT_OBSERVABLE)


def text(report: TraceReport, *, verbose: bool = False, answers: Sequence[Answer] | None = None) -> str:
    """The verdicts, worst first: each violation with its line, the guard that failed and the events that show it.

    ``answers`` are what the model says of windows, None where it was not asked. ``verbose``
    tells of each conforming rule which guards were looked at and how often.
    """
    lines = [_head(report)]
    for outcome in _ORDER:
        for verdict in report.verdicts:
            if verdict.outcome is outcome:
                lines += _verdict(verdict, verbose)
    if answers is not None:
        lines += replayed.text(answers, report.events)
    lines.append("")
    for one in report.statuses:
        lines.append(f"{one.call} returned {one.status} {one.count} times, first in line {one.line}")
    for problem in report.problems:
        lines.append(f"not seen: {visible(problem.detail)}")
    count = {outcome: sum(v.outcome is outcome for v in report.verdicts) for outcome in _ORDER}
    lines.append(", ".join(f"{number} {outcome.replace('-', ' ')}" for outcome, number in count.items()))
    return "\n".join(lines) + "\n"


def _head(report: TraceReport) -> str:
    tds = "1 TD" if report.tds == 1 else f"{report.tds} TDs"
    counts = f"{report.lines} lines, {report.records} records, {report.events} events of {tds}"
    return f"{visible(report.where)}: {report.format}, {counts}"


def _verdict(verdict: Verdict, verbose: bool) -> Iterator[str]:
    number = f", {verdict.count} times" if verdict.count > 1 else ""
    yield ""
    yield f"{verdict.rule}: {verdict.outcome.replace('-', ' ')}{number}"
    if verdict.reason:
        yield f"    {verdict.reason}"
    for violation in verdict.violations:
        yield from _violation(violation)
    if verdict.count > len(verdict.violations):
        yield f"    ... and {verdict.count - len(verdict.violations)} more"
    for guard in verdict.guards:
        if guard.missing:
            yield f"    not decided: {guard.guard}; {lacking(guard)}"
        elif verbose or verdict.outcome is Outcome.CONFORMS:
            yield f"    {guard.guard}: {guard.decided} of {guard.met} events judged"


def lacking(guard: GuardState) -> str:
    """``not recorded: tdh_mem_track%return; kvm:kvm_exit or ...``."""
    groups = (" or ".join(shown_by(what) for what in group) for group in guard.missing)
    return "not recorded: " + "; ".join(groups)


def _violation(violation: Violation) -> Iterator[str]:
    yield f"  {quoted(violation.event)}"
    yield f"    {visible(violation.why)}"
    yield f"    guard: {violation.guard}"
    for event in violation.shown:
        yield f"      {quoted(event)}"


def json(report: TraceReport, answers: Sequence[Answer] = ()) -> str:
    """The report as JSON text that ends in a newline; equal reports give equal bytes."""
    document = {
        "trace": {
            "where": encodable(report.where),
            "format": report.format,
            "lines": report.lines,
            "records": report.records,
            "events": report.events,
            "tds": report.tds,
            "seen": dict(report.seen),
            "statuses": [
                {"call": one.call, "status": one.status, "count": one.count, "line": one.line}
                for one in report.statuses
            ],
            "lost": [event_value(event) for event in report.lost],
        },
        "verdicts": [_verdict_value(verdict) for verdict in report.verdicts],
        "replay": [replayed.value(answer) for answer in answers],
        "problems": [
            {"kind": problem.kind, "where": encodable(problem.where), "detail": encodable(problem.detail)}
            for problem in report.problems
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _verdict_value(verdict: Verdict) -> dict[str, object]:
    return {
        "rule": verdict.rule,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "count": verdict.count,
        "guards": [
            {
                "guard": g.guard,
                "met": g.met,
                "decided": g.decided,
                "broken": g.broken,
                "missing": [[shown_by(what) for what in group] for group in g.missing],
            }
            for g in verdict.guards
        ],
        "violations": [
            {"guard": v.guard, "why": encodable(v.why), "event": event_value(v.event), "shown": _events(v.shown)}
            for v in verdict.violations
        ],
    }


def _events(events: Iterable[Event]) -> list[dict[str, object]]:
    return [event_value(event) for event in events]
