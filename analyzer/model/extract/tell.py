"""The record, its flows and what was explored, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from analyzer.core.finding import Step
from analyzer.core.visible import visible
from analyzer.model import jsonform, story, tell
from analyzer.model.explore import prepared
from analyzer.model.extract.explored import Explored, shown_by
from analyzer.model.extract.flows import Flow
from analyzer.model.extract.record import ABSENT, BOTH, DECIDED, Decision, Record
from analyzer.model.kvm_tdx.build import build
from analyzer.model.kvm_tdx.mutations import Mutation
from analyzer.model.kvm_tdx.protocol import differing
from analyzer.model.matrix import Row

SHOWN = 6  # places of one field that are printed


def record(found: Record) -> Iterator[str]:
    """Each field with its value and its places."""
    yield f"layers: {found.layers.words()}"
    width = max(len(d.field) for d in found.decisions) + 1
    for decision in (d for d in found.decisions if d.how != ABSENT):
        value = "|".join(decision.values)
        mark = "  <- not what the rules demand" if decision.how == DECIDED and decision.broken else ""
        yield visible(f"{decision.field:{width}}{value if decision.how == DECIDED else f'both: {value}'}{mark}")
        yield visible(f"{'':{width}}  {decision.why}")
        yield from (f"{'':{width}}    {line}" for line in _steps(decision.steps))
    for why, fields in _absent(found.decisions).items():
        yield visible(f"not in this tree ({why}): {', '.join(fields)}")
    counts = {how: sum(d.how == how for d in found.decisions) for how in (DECIDED, BOTH, ABSENT)}
    wrong = sum(d.how == DECIDED and bool(d.broken) for d in found.decisions)
    yield (
        f"{counts[DECIDED]} fields decided ({wrong} against the rules), {counts[BOTH]} undecided, "
        f"{counts[ABSENT]} not in this tree"
    )


def _steps(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps[:SHOWN]:
        yield visible(f"{step.location.path}:{step.location.line} {step.function}(): {step.note}")
    if len(steps) > SHOWN:
        yield f"and {len(steps) - SHOWN} more"


def _absent(decisions: Sequence[Decision]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for decision in decisions:
        if decision.how == ABSENT:
            found.setdefault(decision.why, []).append(decision.field)
    return found


def flows(found: Sequence[Flow]) -> Iterator[str]:
    """Event strings and places."""
    for flow in found:
        heads = ", ".join(f"{path}:{name}()" for path, name in flow.entries)
        yield visible(f"{flow.name}: {heads}{' (cut: there are more ways)' if flow.cut else ''}")
        yield from (visible(f"  {text}") for text in flow.strings)
        for what, step in flow.places:
            yield visible(f"    {what:8} {step.location.path}:{step.location.line} {step.function}()")


def explored(found: Explored, width: int) -> str:
    """One line of the table."""
    outcome, name = found.outcome, found.name
    if found.depends:
        name = f"{name}, if {' and '.join(f'{f}={v}' for f, v in found.depends.items())}"
    counts = f"{name:{width}}{outcome.states:>12,}{outcome.transitions:>13,}{outcome.depth:>7}"
    return f"{counts}  {outcome.engine:15}{outcome.seconds:>7.2f} s  {_verdict(found)}"


def _verdict(found: Explored) -> str:
    if found.discovery is not None:
        return f"BROKEN: {found.discovery.claim} after {len(found.discovery.moves)} steps"
    if not found.outcome.complete:
        return "nothing broken so far; not all states were seen"
    return f"holds: {tell.spans([c.id for c in found.machine.claims] + ['P3', *found.progress])}"


def summary(found: Record, results: Sequence[Explored]) -> Iterator[str]:
    """What holds, what breaks, what that depends on; the interleaving of what is certain to break."""
    certain = [r for r in results if r.discovery is not None and not r.depends]
    for result in certain:
        yield ""
        yield from _broken(found, result)
    for result in (r for r in results if r.discovery is not None and r.depends):
        fields = ", ".join(f"{f} being {v}" for f, v in result.depends.items())
        yield f"depends on {fields}: {result.discovery.claim if result.discovery else ''} would break"
    if not any(r.discovery for r in results):
        whole = all(r.outcome.complete for r in results)
        said = "satisfies every claim in these scopes" if whole else "was not explored in full"
        yield f"the extracted protocol {said}"


def _broken(found: Record, result: Explored) -> Iterator[str]:
    named = shown_by(result.protocol)
    rules = tuple(dict.fromkeys(r for m in named for r in m.rules))
    changes = ", ".join(f"{f}={v}" for f, v in differing(result.protocol).items())
    wanted = Mutation("extracted", changes or "as the rules demand", rules, result.protocol, result.scope)
    row = Row(wanted, result.machine, result.outcome, result.discovery)
    assert result.discovery is not None
    steps = story.steps(result.machine, result.discovery)
    stopped = story.stop(result.machine, prepared(build(result.scope), False), result.discovery)
    yield tell.story(row, steps, stopped).rstrip()
    for decision in (d for d in found.decisions if d.how == DECIDED and d.broken):
        yield visible(f"source of {decision.field}={decision.values[0]}: {decision.why}")
        yield from (f"  {line}" for line in _steps(decision.steps))
    for mutation in named:
        yield f"see: nak model explain {mutation.name}"


def as_json(tree: str, found: Record, results: Sequence[Explored], ways: Sequence[Flow] | None) -> dict[str, Any]:
    """All of it."""
    body: dict[str, Any] = {
        "tree": tree,
        "layers": found.layers.words().split(", "),
        "fields": [_decision(d) for d in found.decisions],
        "explored": [_explored(r) for r in results],
    }
    if ways is not None:
        body["flows"] = [_flow(f) for f in ways]
    return body


def _place(step: Step) -> dict[str, Any]:
    return {"path": step.location.path, "line": step.location.line, "function": step.function, "note": step.note}


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "field": decision.field,
        "how": decision.how,
        "values": list(decision.values),
        "broken": list(decision.broken) if decision.how == DECIDED else [],
        "why": decision.why,
        "steps": [_place(s) for s in decision.steps],
    }


def _explored(result: Explored) -> dict[str, Any]:
    found = jsonform.scope(result.name, result.scope, result.protocol, result.machine, result.outcome, ())
    broken = result.discovery.claim if result.discovery else None
    return {**found, "broken": broken, "depends_on": result.depends}


def _flow(flow: Flow) -> dict[str, Any]:
    return {
        "flow": flow.name,
        "entries": [{"path": p, "function": n} for p, n in flow.entries],
        "strings": list(flow.strings),
        "events": [{"event": what, **_place(step)} for what, step in flow.places],
        "cut": flow.cut,
    }
