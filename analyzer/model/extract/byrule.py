"""Fields that a rule of their own decides: its analysis is the procedure, its findings are the places."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.analyses.facts import Facts
from analyzer.core.finding import Severity
from analyzer.engine.registry import choose, load_rules
from analyzer.engine.run import Outcome, run_rules
from analyzer.model.extract.record import Decision, absent, both, decided
from analyzer.model.kvm_tdx.mutations import MUTATIONS, Mutation
from analyzer.model.kvm_tdx.protocol import CORRECT, differing

FIELDS = ("cmpxchg", "zap_root", "root_put", "rcu", "cache_of")


def decide(facts: Facts) -> Iterator[Decision]:
    """Each field by the rule of the mutation that changes it and nothing else."""
    for mutation in MUTATIONS:
        changed = differing(mutation.protocol)
        if len(changed) == 1 and changed.keys() <= {*FIELDS}:
            [(field, value)] = changed.items()
            yield _decided(facts, field, value, mutation)


def asked(facts: Facts, rule: str) -> tuple[Outcome, dict[str, int]]:
    """What a rule says of the snapshot, and what it looked at; its own run counts that, not this one."""
    known = dict(facts.counts)
    facts.counts.clear()
    outcome = run_rules(choose(load_rules(), (rule,)), facts)
    counts = dict(facts.counts)
    facts.counts.clear()
    facts.counts.update(known)
    return outcome, counts


def _decided(facts: Facts, field: str, value: str, mutation: Mutation) -> Decision:
    rule = mutation.rules[0]
    outcome, counts = asked(facts, rule)
    if outcome.problems:
        return both(field, f"{rule} could not be run: {outcome.problems[0].detail}")
    found = [f for f in outcome.findings if f.severity is not Severity.INFO]
    if found:
        return decided(field, value, f"{rule}: {found[0].message}", *found[0].trace)
    places = sum(counts.values())
    if not places:
        return absent(field, f"{rule} finds nothing of the kind to look at")
    return decided(field, getattr(CORRECT, field), f"{rule} looked at {places} places, and none breaks it")
