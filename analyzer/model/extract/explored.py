"""The protocols that a record may stand for, explored in the scopes that its tree has: what holds, what breaks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from analyzer.model.engines.outcome import NO_LIMITS, Discovery, Limits, Outcome
from analyzer.model.engines.progress import progress
from analyzer.model.explore import explore, prepared
from analyzer.model.extract.record import BOTH, Layers, Record
from analyzer.model.kvm_tdx.build import build
from analyzer.model.kvm_tdx.mutations import MUTATIONS, Mutation
from analyzer.model.kvm_tdx.protocol import CORRECT, Protocol, differing
from analyzer.model.kvm_tdx.scope import DEFAULT, SCOPES, Scope
from analyzer.model.machine import Machine

MANY = 16  # protocols up to which every combination of undecided fields is explored
PROGRESS_LIMIT = 130_000
ONLY_HUGE = ("accept-4k", "restartable", "second-busy-accept", "split-cache", "pamt", "pamt-remove")
ONLY_PAMT = ("split-cache", "pamt", "pamt-remove")


@dataclass(frozen=True, slots=True)
class Explored:
    """One protocol in one scope. ``depends`` are the undecided fields that were chosen for it, and how."""

    name: str
    scope: Scope
    protocol: Protocol
    depends: dict[str, str]
    machine: Machine
    outcome: Outcome
    discovery: Discovery | None
    progress: tuple[str, ...] = ()  # progress claims that were looked at


def fitted(scope: Scope, there: Layers) -> Scope:
    """A scope without the layers that a tree has not."""
    return scope if there.huge else replace(scope, huge=False, accept=False, small_accepts=False)


def scopes(there: Layers) -> dict[str, Scope]:
    """What is explored of a tree."""
    left_out = {*(() if there.huge else ONLY_HUGE), *(() if there.pamt else ONLY_PAMT)}
    left_out |= {n for n, has in (("teardown", there.teardown), ("pfnmap", there.pfnmap)) if not has}
    return {name: fitted(SCOPES[name][0], there) for name in DEFAULT if name not in left_out}


def protocols(record: Record) -> Iterator[tuple[Protocol, dict[str, str]]]:
    """What the record may stand for, the likeliest first; many undecided fields are varied one at a time."""
    known: dict[str, Any] = {d.field: d.values[0] for d in record.decisions if d.how != BOTH}
    open_ = {d.field: d.values for d in record.decisions if d.how == BOTH}
    usual: dict[str, Any] = {f: _usual(f, among) for f, among in open_.items()}
    base = replace(CORRECT, **known, **usual)
    yield base, {}
    combinations = list(itertools.islice(itertools.product(*open_.values()), MANY + 1))
    if len(combinations) <= MANY:
        for chosen in combinations:
            choice: dict[str, Any] = dict(zip(open_, chosen, strict=True))
            if choice != usual:
                yield replace(base, **choice), {f: v for f, v in choice.items() if v != usual[f]}
        return
    for field, among in open_.items():
        for value in among:
            if value != usual[field]:
                other: dict[str, Any] = {field: value}
                yield replace(base, **other), {field: value}


def _usual(field: str, among: tuple[str, ...]) -> str:
    due = str(getattr(CORRECT, field))
    return due if due in among else among[0]


def shown_by(protocol: Protocol) -> list[Mutation]:
    """The mutations whose change a protocol has."""
    changed = differing(protocol).items()
    return [m for m in MUTATIONS if differing(m.protocol).items() <= changed and not m.scope.lax_module]


def survey(record: Record, engine: str = "auto", limits: Limits = NO_LIMITS) -> Iterator[Explored]:
    """Each protocol, first where its deviations are known to show; it ends with the first claim that breaks."""
    for protocol, depends in protocols(record):
        places = _places(record.layers, protocol, bool(depends))
        for name, (scope, live) in places.items():
            one = _one(name, scope, protocol, depends, live, engine, limits)
            yield one
            if one.discovery is not None:
                break


def _places(there: Layers, protocol: Protocol, narrow: bool) -> dict[str, tuple[Scope, bool]]:
    """Scopes by name; whether progress is looked at too."""
    usual = scopes(there)
    found = {f"of {m.name}": (fitted(m.scope, there), m.progress) for m in shown_by(protocol)}
    if narrow and found:
        return found
    return found | {name: (scope, True) for name, scope in usual.items()}


def _one(
    name: str, scope: Scope, protocol: Protocol, depends: dict[str, str], live: bool, engine: str, limits: Limits
) -> Explored:
    machine = prepared(build(scope, protocol, "kvm-tdx extracted"), True)
    outcome = explore(machine, engine, limits)
    found, looked = outcome.discovery, tuple[str, ...]()
    if found is not None:
        machine = prepared(build(scope, protocol, "kvm-tdx extracted"), False)
        outcome = explore(machine, engine, limits)  # the shortest way, without reductions
        found = outcome.discovery
    elif live and outcome.complete and outcome.states <= PROGRESS_LIMIT:
        seen = progress(machine)
        found = next((p.discovery for p in seen if p.discovery is not None), None)
        looked = tuple(p.goal.id for p in seen if p.complete)
    return Explored(name, scope, protocol, depends, machine, outcome, found, looked)
