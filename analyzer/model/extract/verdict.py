"""Verdicts: what the model says of findings, from the record of the snapshot that has them and a table of answers.

A review has no time to explore. Each deviation that the record has was explored beforehand (``answers.py``); ``live``
explores it again, in a scope of the tree's layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache

from analyzer.analyses.facts import Facts
from analyzer.core.finding import Finding, Severity
from analyzer.engine.rule import Rule
from analyzer.engine.run import stamp
from analyzer.model import matrix
from analyzer.model.extract.explored import fitted
from analyzer.model.extract.extract import extract
from analyzer.model.extract.record import ABSENT, BOTH, DECIDED, Decision, Layers, Record
from analyzer.model.kvm_tdx.answers import ANSWERS
from analyzer.model.kvm_tdx.mutations import MUTATIONS, Mutation
from analyzer.model.kvm_tdx.protocol import differing

CONFIRMED, UNCONFIRMED, DEPENDS, UNMODELLED = "confirmed", "unconfirmed", "depends on", "unmodelled"


def judged(findings: Iterable[Finding], facts: Facts, live: bool = False) -> list[Finding]:
    """The findings with verdicts; where callers are not shown, nothing can be extracted and none is given."""
    found = list(findings)
    if not facts.program.whole or not any(_modelled(f) for f in found):
        return found
    record = extract(facts)
    return [
        f.stamped(verdict=_verdict(f, record, _near(f, facts), live)) if f.severity is not Severity.INFO else f
        for f in found
    ]


def _near(finding: Finding, facts: Facts) -> frozenset[str]:
    """The functions of a finding, of its path, and what these call or are called by."""
    own = {finding.function, *(s.function for s in finding.trace)}
    keys = [k for name in own for k in facts.program.by_name.get(name, ())]
    beside = (c[1] for k in keys for edges in (facts.names.callees, facts.names.callers) for c in edges.get(k, ()))
    return frozenset((*own, *beside))


def _modelled(finding: Finding) -> bool:
    return finding.severity is not Severity.INFO and any(finding.rule in m.rules for m in MUTATIONS)


def _verdict(finding: Finding, record: Record, near: frozenset[str], live: bool) -> str:
    mutations = [m for m in MUTATIONS if finding.rule in m.rules]
    if not mutations:
        return UNMODELLED
    here = [m for m in mutations if all(_has(record[f], v, near) for f, v in differing(m.protocol).items())]
    for mutation in here:
        claim, steps = answer(mutation, record.layers, live)
        if claim and all(record[f].how == DECIDED for f in differing(mutation.protocol)):
            return f"{CONFIRMED}: {claim} breaks after {steps} steps (nak model explain {mutation.name})"
    for mutation in here:
        claim, steps = answer(mutation, record.layers, live)
        if claim:
            return f"{DEPENDS} {_choice(mutation)}: then {claim} breaks (nak model explain {mutation.name})"
    if here:
        return f"{UNCONFIRMED}: explored with {_choice(here[0])}, nothing broke"
    known = [d for d in (record[f] for m in mutations for f in differing(m.protocol)) if d.how == DECIDED]
    if not known:
        return UNMODELLED
    due = [d for d in known if not d.broken]
    said = ", ".join(dict.fromkeys(f"{d.field}={d.values[0]}" for d in due or known))
    return f"{UNCONFIRMED}: the model finds {said}, {'as due' if due else 'but elsewhere'}"


def _has(decision: Decision, value: str, near: frozenset[str]) -> bool:
    """Whether the record may have the value, and that was decided where the finding is."""
    if decision.how == ABSENT or value not in decision.values:
        return False
    return decision.how == BOTH or not decision.steps or any(s.function in near for s in decision.steps)


def _choice(mutation: Mutation) -> str:
    return ", ".join(f"{field}={value}" for field, value in differing(mutation.protocol).items())


def answer(mutation: Mutation, there: Layers, live: bool = False) -> tuple[str, int]:
    """The claim that a mutation breaks in a tree with some layers, and the steps to it."""
    if live:
        return _explored(mutation, there)
    return ANSWERS.get(mutation.name, (("", 0), ("", 0)))[0 if there.huge else 1]


@cache
def _explored(mutation: Mutation, there: Layers) -> tuple[str, int]:
    row = matrix.run(replace(mutation, scope=fitted(mutation.scope, there)))
    return (row.discovery.claim, len(row.discovery.moves)) if row.discovery is not None else ("", 0)


def unreported(findings: Iterable[Finding], facts: Facts, rules: Iterable[Rule]) -> Iterator[Finding]:
    """Violations that the record has and that no rule reported, each as a finding of the rule that is about it."""
    if not facts.program.whole:
        return
    told, known, record = {f.rule for f in findings}, {r.id: r for r in rules}, extract(facts)
    for decision in (d for d in record.decisions if d.how == DECIDED and d.broken and d.steps):
        ours = [m for m in MUTATIONS if differing(m.protocol) == {decision.field: decision.values[0]}]
        answers = [(m, *answer(m, record.layers, live=True)) for m in ours]
        broken = next(((m, claim, steps) for m, claim, steps in answers if claim), None)
        if broken is None or any(told.intersection(m.rules) for m in ours):
            continue
        mutation, claim, steps = broken
        rule = next((known[r] for r in mutation.rules if r in known), None)
        if rule is None:
            continue
        at = decision.steps[-1]
        words = f"{mutation.text}: {decision.why} ({decision.field}={decision.values[0]} in the model)"
        made = Finding(at.location, at.function, f"model {decision.field}", words, trace=decision.steps)
        verdict = f"{CONFIRMED}: {claim} breaks after {steps} steps (nak model explain {mutation.name})"
        yield stamp(rule, made).stamped(verdict=verdict)
