"""Mirror and direct roots of the TDP MMU: which of them a value can be (arch/x86/kvm/mmu/tdp_mmu.[ch]).

``is_mirror_sp(root)`` is a fact about a root: NZ for a mirror root, 0 for a direct one, MAYBE for the root of a
fault (mirror if the address is private), MIXED for a walk over all valid roots. An iterator over a root knows the
same of ``is_mirror_sptep(iter.sptep)``.
"""

from __future__ import annotations

from analyzer.dataflow.values import MAYBE, MIXED, NZ, Alias, Constants, Facts, Pred, Value, evaluate
from analyzer.ir.types import Addr, Call, Deref, Expr, Field, Name

# enum kvm_tdp_mmu_root_types of arch/x86/kvm/mmu/tdp_mmu.h
TYPES = {"KVM_INVALID_ROOTS": 1, "KVM_DIRECT_ROOTS": 2, "KVM_MIRROR_ROOTS": 4, "KVM_VALID_ROOTS": 6, "KVM_ALL_ROOTS": 7}
# walk macros: (index of the root argument, index of the types, or None with the types it means)
WALKS: dict[str, tuple[int, int | None, int]] = {
    "__for_each_tdp_mmu_root_yield_safe": (1, 3, 0),
    "__for_each_tdp_mmu_root": (1, 3, 0),
    "for_each_tdp_mmu_root_rcu": (1, 3, 0),
    "for_each_valid_tdp_mmu_root_yield_safe": (1, None, 6),
    "for_each_valid_tdp_mmu_root": (1, None, 6),
    "for_each_tdp_mmu_root_yield_safe": (1, None, 7),
}
GETTERS = {"tdp_mmu_next_root": 2, "tdp_mmu_get_root": 1}
_ITERATORS = ("for_each_tdp_pte", "for_each_tdp_pte_min_level", "tdp_root_for_each_pte", "tdp_root_for_each_leaf_pte",
              "for_each_tdp_pte_min_level_all")  # fmt: skip


def after(call: Call, facts: Facts, constants: Constants) -> None:
    """What a call tells of roots and iterators. Changes ``facts``."""
    name = call.callee
    if name in GETTERS and call.result is not None and len(call.args) > GETTERS[name]:
        _root(call.result, _kind(call.args[GETTERS[name]], facts, constants), facts)
    elif name == "tdp_mmu_get_root_for_fault" and call.result is not None:
        _root(call.result, MAYBE, facts)
    elif name == "root_to_sp" and call.result is not None and call.args:
        _root(call.result, NZ if "mirror_root" in call.args[0].text else 0, facts)
    elif name in WALKS:
        at, types, fixed = WALKS[name]
        if len(call.args) > max(at, types or 0):
            _root(
                call.args[at],
                _of_types(fixed, TYPES) if types is None else _kind(call.args[types], facts, constants),
                facts,
            )
    elif name == "tdp_iter_start" and len(call.args) > 1:
        _iterator(call.args[0], call.args[1], facts)
    elif name in _ITERATORS and len(call.args) > 2:
        _iterator(Addr(call.args[0]), call.args[2], facts)


def mirror_of(facts: Facts, *about: Expr) -> Value | None:
    """What is known of the mirror-ness of the objects an expression of ``about`` names."""
    names = frozenset().union(*(a.names for a in about)) if about else frozenset()
    for expr, value in facts.items():
        if (
            isinstance(expr, Pred)
            and expr.callee in ("is_mirror_sptep", "is_mirror_sp")
            and not expr.names.isdisjoint(names)
        ):
            return facts.get(value.expr) if isinstance(value, Alias) else value
    return None


def _kind(types: Expr, facts: Facts, constants: Constants) -> Value | None:
    known = {**TYPES, **constants}
    value = evaluate(types, facts, known)
    return _of_types(value, known) if isinstance(value, int) else None


def _of_types(mask: int, known: Constants) -> Value:
    has_mirror, has_direct = bool(mask & known["KVM_MIRROR_ROOTS"]), bool(mask & known["KVM_DIRECT_ROOTS"])
    return MIXED if has_mirror and has_direct else NZ if has_mirror else 0


def _root(root: Expr, value: Value | None, facts: Facts) -> None:
    if value is not None:
        facts[Pred("is_mirror_sp", (root,))] = value


def _iterator(pointer: Expr, root: Expr, facts: Facts) -> None:
    of_root = Pred("is_mirror_sp", (root,))
    target = pointer.base if isinstance(pointer, Addr) else Deref(pointer)
    key = Pred("is_mirror_sptep", (Field(target, "sptep"),))
    if of_root in facts:
        facts[key] = Alias(of_root)  # what a test tells of the one holds for the other
    else:
        facts.pop(key, None)


__all__ = ["Name", "after", "mirror_of"]
