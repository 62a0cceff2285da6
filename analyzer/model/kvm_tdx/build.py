"""From a scope and a protocol to the machine."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from analyzer.model.expr import FALSE, Expr, all_of, var
from analyzer.model.kvm_tdx.claims import claims, goals
from analyzer.model.kvm_tdx.convert import add_converter
from analyzer.model.kvm_tdx.fault import add_fault
from analyzer.model.kvm_tdx.guest import add_guest
from analyzer.model.kvm_tdx.lockless import add_lockless
from analyzer.model.kvm_tdx.pfnmap import add_direct_fault, add_host
from analyzer.model.kvm_tdx.protocol import CORRECT, Protocol
from analyzer.model.kvm_tdx.punch import add_zapper
from analyzer.model.kvm_tdx.scope import FULL, Scope
from analyzer.model.kvm_tdx.teardown import add_destroyer
from analyzer.model.kvm_tdx.world import World
from analyzer.model.machine import ActorBuilder, Claim, Machine

BOUNDS = "bounds"


def build(scope: Scope = FULL, protocol: Protocol = CORRECT, name: str = "kvm-tdx") -> Machine:
    """The machine of one protocol within one scope."""
    w = World(scope, protocol, name)
    for v in w.vcpus:
        add_guest(w, v)
        add_fault(w, v)
        if scope.pfnmap:
            add_direct_fault(w, v)
    others: tuple[ActorBuilder, ...] = ()
    if scope.converter:
        others += (add_converter(w),)
    if scope.zapper:
        others += (add_zapper(w),)
    if scope.teardown:
        others += (add_destroyer(w, others),)
    if scope.pfnmap:
        others += (add_host(w),)
    if scope.lockless:
        others += add_lockless(w)
    actors = (*(v.actor for v in w.vcpus), *others)
    may_end: Expr = FALSE
    if scope.teardown:
        may_end = next(a for a in others if a.name == "destroyer").at("destroyed")
    if w.dead.op == "var":
        may_end = w.dead == 1
    return w.builder.machine(claims(w, others), goals(w, actors), symmetric(w), may_end)


def symmetric(w: World) -> tuple[tuple[str, ...], ...]:
    """The private variables of each vCPU: vCPUs may be exchanged, unless one of them is created late."""
    if w.scope.late_vcpu or w.scope.vcpus < 2:
        return ()
    owned = [v.actor.name for v in w.vcpus]
    return tuple(tuple(x.name for x in w.builder.variables.values() if x.owner == name) for name in owned)


def only(machine: Machine, wanted: Collection[str]) -> Machine:
    """The machine with some of its claims; counters that the others would have kept in bounds end the search."""
    kept = tuple(c for c in machine.claims if c.id in wanted)
    counters = [v for v in machine.variables if v.name in ("readers", "invalidating", "pamt_count")]
    bounds = Claim(BOUNDS, "counters stay in the bounds of the model", all_of(*(var(v.name) < v.top for v in counters)))
    return replace(machine, claims=(*kept, bounds))
