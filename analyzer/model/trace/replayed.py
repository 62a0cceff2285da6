"""What the model says of windows of a trace, as text for people and as values for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from analyzer.core.visible import visible
from analyzer.model.kvm_tdx.recorded import VCPUS
from analyzer.model.trace.probes import shown_by
from analyzer.model.trace.quote import event_value, quoted
from analyzer.model.trace.unit import Stop
from analyzer.model.trace.window import SHORT, Answer


def text(answers: Sequence[Answer], events: int) -> Iterator[str]:
    """One paragraph for each window."""
    if not answers and events > SHORT:
        yield ""
        yield f"replay on the model: not done; more than {SHORT} events, no monitor objects (--exact replays them all)"
    for answer in answers:
        yield ""
        yield from _window(answer)


def _window(answer: Answer) -> Iterator[str]:
    around = f", around the alarm in line {answer.alarm.record.line}" if answer.alarm is not None else ""
    times = f", {answer.count} times" if answer.count > 1 else ""
    outcome = answer.outcome.replace("-", " ")
    yield f"replay on the model, lines {answer.first} to {answer.last}{around}: {outcome}{times}"
    if answer.reason:
        yield f"    {answer.reason}"
    for followed in answer.stops:
        if followed.stop is not None:
            yield from _stop(followed.stop)
    if answer.count > len(answer.stops):
        yield f"    ... and {answer.count - len(answer.stops)} more"
    for what, why in answer.missing:
        yield f"    not decided: {why}; not recorded: {shown_by(what)}"
    yield from _extent(answer)


def _extent(answer: Answer) -> Iterator[str]:
    if not answer.entries:
        return
    regions = f"{answer.regions} region{'s' * (answer.regions > 1)} of 2M"
    groups = f"{answer.entries} group{'s' * (answer.entries > 1)} of up to 3 pages"
    yield f"    followed: {regions} in {groups}, {answer.events} steps, at most {answer.peak} states fit at a time"
    if answer.threads > VCPUS:
        yield f"    with each group {VCPUS} vCPUs are followed, of {answer.threads}: those that fault on it first"


def _stop(stop: Stop) -> Iterator[str]:
    yield f"  {quoted(stop.event)}"
    yield f"    {stop.actor}: {visible(stop.refused.why)}"
    yield f"    guard: {visible(stop.refused.guard)}"
    if stop.refused.source:
        yield f"    read in: {stop.refused.source}"
    for event in stop.shown:
        yield f"      {quoted(event)}"


def value(answer: Answer) -> dict[str, object]:
    """One window."""
    return {
        "first": answer.first,
        "last": answer.last,
        "alarm": None if answer.alarm is None else answer.alarm.record.line,
        "outcome": answer.outcome,
        "reason": answer.reason,
        "count": answer.count,
        "regions": answer.regions,
        "groups": answer.entries,
        "steps": answer.events,
        "restarts": answer.restarts,
        "peak": answer.peak,
        "missing": [{"probe": shown_by(what), "undecided": why} for what, why in answer.missing],
        "violations": [_value(f.stop) for f in islice(answer.stops, 100) if f.stop is not None],
    }


def _value(stop: Stop) -> dict[str, object]:
    return {
        "actor": stop.actor,
        "step": stop.step,
        "why": stop.refused.why,
        "guard": stop.refused.guard,
        "source": stop.refused.source,
        "event": event_value(stop.event),
        "shown": [event_value(event) for event in stop.shown],
    }
