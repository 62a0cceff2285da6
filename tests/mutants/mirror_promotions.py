"""Violations of the rule about leafs installed over tables of a mirror root, and edits there that mean the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.kernel.edits import Edit, swap
from tests.kernel.places import MMU, TDP, TDX
from tests.mutants.sources import Mutant, Operator, Same, Sources

PROMOTION = "tdx-sept-promotion"

_HUGE: tuple[tuple[str, Edit], ...] = (
    ("2M", swap(TDX, "tdx_gmem_max_mapping_level", "return PG_LEVEL_4K;", "return PG_LEVEL_2M;")),
    (
        "by feature",
        swap(
            TDX,
            "tdx_gmem_max_mapping_level",
            "return PG_LEVEL_4K;",
            "return tdx_has_demote ? PG_LEVEL_2M : PG_LEVEL_4K;",
        ),
    ),
    (
        "by state",
        swap(
            TDX,
            "tdx_gmem_max_mapping_level",
            "return PG_LEVEL_4K;",
            (
                "if (to_kvm_tdx(kvm)->state != TD_STATE_RUNNABLE)\n"
                "		return PG_LEVEL_4K;\n"
                "\n"
                "	return KVM_MAX_HUGEPAGE_LEVEL;"
            ),
        ),
    ),
)

_NX = (
    "		if (fault->nx_huge_page_workaround_enabled)\n"
    "			disallowed_hugepage_adjust(fault, iter.old_spte, iter.level);\n"
)

_CHILD = swap(
    MMU,
    "disallowed_hugepage_adjust",
    "spte_to_child_sp(spte)->nx_huge_page_disallowed)",
    ("(spte_to_child_sp(spte)->nx_huge_page_disallowed ||\n	     is_mirror_sp(spte_to_child_sp(spte))))"),
)

_ROOT_GUARD = swap(TDP, "kvm_tdp_mmu_map", _NX, _NX.replace("if (", "if (is_mirror_sp(root) || "))

_DIRECT_ONLY = swap(
    TDP,
    "kvm_tdp_mmu_recover_huge_pages",
    "for_each_valid_tdp_mmu_root_yield_safe(kvm, root, slot->as_id)",
    "__for_each_tdp_mmu_root_yield_safe(kvm, root, slot->as_id, KVM_DIRECT_ROOTS)",
)


def promotions(sources: Sources) -> Iterator[Mutant]:
    """Huge private mappings without a guard that lowers the goal, or with recovery of mirror roots."""
    fault, recover = ((TDP, "kvm_tdp_mmu_map"),), ((TDP, "kvm_tdp_mmu_recover_huge_pages"),)
    for name, huge in _HUGE:
        yield Mutant(PROMOTION, f"{name}: no guard", (huge, _DIRECT_ONLY), fault)
        yield Mutant(PROMOTION, f"{name}: child looked at, not called for it", (huge, _CHILD, _DIRECT_ONLY), fault)
        yield Mutant(PROMOTION, f"{name}: called, child not looked at", (huge, _ROOT_GUARD, _DIRECT_ONLY), fault)
        yield Mutant(PROMOTION, f"{name}: recovery", (huge, _CHILD, _ROOT_GUARD), recover)
        for types in ("KVM_MIRROR_ROOTS", "KVM_ALL_ROOTS"):
            wider = swap(
                TDP,
                "kvm_tdp_mmu_recover_huge_pages",
                _DIRECT_ONLY.old,
                f"__for_each_tdp_mmu_root_yield_safe(kvm, root, slot->as_id, {types})",
            )
            yield Mutant(PROMOTION, f"{name}: recovery of {types}", (huge, _CHILD, _ROOT_GUARD, wider), recover)
        for cond in (
            "is_mirror_sp(root) && fault->write || ",
            "is_mirror_sp(root) && iter.level > PG_LEVEL_2M || ",
            "!is_mirror_sp(root) || ",
        ):
            weak = swap(TDP, "kvm_tdp_mmu_map", _NX, _NX.replace("if (", f"if ({cond}"))
            yield Mutant(PROMOTION, f"{name}: {cond}", (huge, _CHILD, weak, _DIRECT_ONLY), fault)


def same_promotion(sources: Sources) -> Iterator[Same]:
    """Huge private mappings with the guard in its place."""
    for name, huge in _HUGE:
        yield Same(f"{name}: guarded", (huge, _CHILD, _ROOT_GUARD, _DIRECT_ONLY), (PROMOTION,))
    inline = (
        "		if (is_mirror_sp(root) && iter.level == fault->goal_level && iter.level > "
        "PG_LEVEL_4K &&\n"
        "		    is_shadow_present_pte(iter.old_spte) && !is_large_pte(iter.old_spte))\n"
        "			goto retry;\n"
        "\n"
        "		if (iter.level == fault->goal_level)\n"
    )
    yield Same(
        "refused inline",
        (
            _HUGE[0][1],
            _DIRECT_ONLY,
            swap(TDP, "kvm_tdp_mmu_map", "		if (iter.level == fault->goal_level)\n", inline),
        ),
        (PROMOTION,),
    )
    flag = (
        swap(
            TDP,
            "kvm_tdp_mmu_map",
            "	struct tdp_iter iter;\n",
            "	bool mirror = is_mirror_sp(root);\n	struct tdp_iter iter;\n",
        ),
        swap(TDP, "kvm_tdp_mmu_map", _NX, _NX.replace("if (", "if (mirror || ")),
    )
    yield Same("guarded by a local", (_HUGE[0][1], _CHILD, _DIRECT_ONLY, *flag), (PROMOTION,))
    skip = swap(
        TDP,
        "recover_huge_pages_range",
        "	rcu_read_lock();\n",
        "	if (is_mirror_sp(root))\n		return;\n\n	rcu_read_lock();\n",
    )
    yield Same("recovery skips mirror roots", (_HUGE[0][1], _CHILD, _ROOT_GUARD, skip), (PROMOTION,))


OPERATORS: tuple[Operator, ...] = (promotions,)
SAME: tuple[Callable[[Sources], Iterator[Same]], ...] = (same_promotion,)
