"""Rule x mutation x invariant: what each mutation breaks first, and by how short a way."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.core.problem import AnalyzerError
from analyzer.model.engines.outcome import NO_LIMITS, Discovery, Limits, Outcome
from analyzer.model.engines.progress import progress
from analyzer.model.explore import explore, prepared
from analyzer.model.kvm_tdx.build import BOUNDS, build, only
from analyzer.model.kvm_tdx.mutations import MUTATIONS, Mutation, named
from analyzer.model.kvm_tdx.unmodelled import UNMODELLED
from analyzer.model.machine import Machine


@dataclass(frozen=True, slots=True)
class Row:
    """One mutation explored. ``machine`` is the one that ``discovery`` speaks of."""

    mutation: Mutation
    machine: Machine
    outcome: Outcome
    discovery: Discovery | None

    @property
    def verdict(self) -> str:
        """The claim it breaks, "equivalent" or "survived"; "cut" where the exploration was not completed."""
        if self.discovery is not None:
            return self.discovery.claim
        if not self.outcome.complete:
            return "cut"
        return "equivalent" if self.mutation.equivalent else "survived"

    @property
    def as_declared(self) -> bool:
        """Killed, or equivalent as it says."""
        return self.discovery is None if self.mutation.equivalent else self.discovery is not None


def chosen(rule: str | None) -> tuple[Mutation, ...]:
    """The mutations of a rule, or all."""
    found = tuple(m for m in MUTATIONS if rule is None or rule in m.rules)
    if not found and rule in UNMODELLED:
        raise AnalyzerError(f"no mutation breaks {rule}: {UNMODELLED[rule]}")
    if not found:
        known = ", ".join(sorted({r for m in MUTATIONS for r in m.rules}))
        raise AnalyzerError(f"no mutation breaks {rule}; the model has: {known}")
    return found


def mutation(name: str) -> Mutation:
    """The mutation of a name, or what the user can mend."""
    found = named(name)
    if found is None:
        raise AnalyzerError(f"no mutation {name}; there are: {', '.join(m.name for m in MUTATIONS)}")
    return found


def run(
    wanted: Mutation, engine: str = "auto", reduce: bool = False, limits: Limits = NO_LIMITS, claim: str | None = None
) -> Row:
    """Explore one mutation; where only progress can show it, look for states that cannot reach their goal.

    With ``claim``, go on until that one breaks, whatever else does before.
    """
    machine = prepared(build(wanted.scope, wanted.protocol, f"kvm-tdx {wanted.name}"), reduce)
    if claim is not None:
        if claim not in {c.id for c in machine.claims}:
            raise AnalyzerError(f"no claim {claim} in this scope; it has: {', '.join(c.id for c in machine.claims)}")
        machine = only(machine, (claim,))
    outcome = explore(machine, engine, limits)
    if outcome.discovery is not None and outcome.discovery.claim == BOUNDS:
        raise AnalyzerError(f"{wanted.name} leaves the bounds of the model before {claim} breaks", 3)
    found = outcome.discovery
    if found is None and wanted.progress and outcome.complete:
        found = next((p.discovery for p in progress(machine) if p.discovery is not None), None)
    return Row(wanted, machine, outcome, found)
