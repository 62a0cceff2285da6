"""Violations of the rule about the order in which a mirror SPTE is changed, and edits there that mean the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.kernel.edits import Edit, swap
from tests.kernel.places import TDP
from tests.mutants.sources import Mutant, Operator, Same, Sources

ORDER = "tdx-mirror-commit-misordered"
UPDATE = "r = kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level);"
ATOMIC, PLAIN, HANDLER = "tdp_mmu_set_spte_atomic", "tdp_mmu_set_spte", "__handle_changed_spte"

_COUNTS = (
    "kvm_update_page_stats(kvm, {level}, 1);",
    "trace_kvm_tdp_mmu_spte_changed(0, {gfn}, {level}, {old}, new_spte);",
    "untrack_possible_nx_huge_page(kvm, sp, KVM_TDP_MMU);",
)


def counted_first(sources: Sources) -> Iterator[Mutant]:
    """Accounting, tracing or lists come before the fallible step."""
    for text in _COUNTS:
        inner = text.format(level="level", gfn="gfn", old="old_spte")
        yield Mutant(
            ORDER,
            f"first in the handler: {text[:20]}",
            (swap(TDP, HANDLER, UPDATE, f"{inner}\n		{UPDATE}"),),
            ((TDP, HANDLER),),
        )
        outer = text.format(level="iter->level", gfn="iter->gfn", old="iter->old_spte")
        line = "	ret = __handle_changed_spte("
        yield Mutant(
            ORDER,
            f"first in the setter: {text[:20]}",
            (swap(TDP, ATOMIC, line, f"	{outer}\n{line}"),),
            ((TDP, ATOMIC),),
        )
        line = "	if (is_mirror_sptep(iter->sptep))\n		ret = __tdp"
        yield Mutant(
            ORDER,
            f"before the freeze: {text[:20]}",
            (swap(TDP, ATOMIC, line, f"	{outer}\n{line}"),),
            ((TDP, ATOMIC),),
        )
        helper = (
            "static void count_change(struct kvm *kvm, struct kvm_mmu_page *sp, struct tdp_iter "
            "*iter, u64 new_spte)\n"
            f"{{\n"
            f"	{outer}\n"
            "}}\n"
        )
        line = "	ret = __handle_changed_spte("
        edits = (
            Edit(TDP, "", helper, "__tdp_mmu_set_spte_atomic"),
            swap(TDP, ATOMIC, line, f"	count_change(kvm, sp, iter, new_spte);\n{line}"),
        )
        yield Mutant(ORDER, f"first by a helper: {text[:20]}", edits, ((TDP, ATOMIC), (TDP, "count_change")))


def counted_by_callers(sources: Sources) -> Iterator[Mutant]:
    """Callers count before they know that the change was made."""
    old = "	if (shared) {\n		ret = tdp_mmu_set_spte_atomic(kvm, iter, spte);"
    early = (
        swap(TDP, "tdp_mmu_link_sp", old, f"	tdp_account_mmu_page(kvm, sp);\n{old}"),
        swap(TDP, "tdp_mmu_link_sp", "	tdp_account_mmu_page(kvm, sp);\n\n	return 0;", "	return 0;"),
    )
    yield Mutant(ORDER, "linked table counted first", early, ((TDP, "tdp_mmu_link_sp"),))
    old, stats = (
        "	ret = tdp_mmu_link_sp(kvm, iter, sp, shared);",
        "	kvm_update_page_stats(kvm, level - 1, SPTE_ENT_PER_PAGE);\n",
    )
    edits = (swap(TDP, "tdp_mmu_split_huge_page", stats, ""), swap(TDP, "tdp_mmu_split_huge_page", old, stats + old))
    yield Mutant(ORDER, "split counted first", edits, ((TDP, "tdp_mmu_split_huge_page"),))
    old = "	if (__tdp_mmu_set_spte_atomic(kvm, iter, new_spte))\n		return;"
    trace = "	trace_kvm_tdp_mmu_spte_changed(iter->as_id, iter->gfn, iter->level, iter->old_spte, new_spte);\n"
    yield Mutant(
        ORDER,
        "ageing traced first",
        (swap(TDP, "kvm_tdp_mmu_age_spte", old, trace + old),),
        ((TDP, "kvm_tdp_mmu_age_spte"),),
    )
    old = "	else if (tdp_mmu_set_spte_atomic(vcpu->kvm, iter, new_spte))"
    made = "	kvm_update_page_stats(vcpu->kvm, iter->level, 1);\n	if (new_spte == iter->old_spte)"
    yield Mutant(
        ORDER,
        "fault counted first",
        (swap(TDP, "tdp_mmu_map_handle_target_level", "	if (new_spte == iter->old_spte)", made),),
        ((TDP, "tdp_mmu_map_handle_target_level"),),
    )
    del old


_RESTORE = (
    "		if (ret)\n"
    "			__kvm_tdp_mmu_write_spte(iter->sptep, iter->old_spte);\n"
    "		else\n"
    "			__kvm_tdp_mmu_write_spte(iter->sptep, new_spte);"
)


def not_thawed(sources: Sources) -> Iterator[Mutant]:
    """A path leaves the SPTE frozen, or with the wrong value."""
    for name, text in (
        ("no restore", "		if (!ret)\n			__kvm_tdp_mmu_write_spte(iter->sptep, new_spte);"),
        ("no commit", ("		if (ret)\n			__kvm_tdp_mmu_write_spte(iter->sptep, iter->old_spte);")),
        ("always new", "		__kvm_tdp_mmu_write_spte(iter->sptep, new_spte);"),
        ("always old", "		__kvm_tdp_mmu_write_spte(iter->sptep, iter->old_spte);"),
        ("swapped", _RESTORE.replace("if (ret)", "if (!ret)")),
        ("frozen on failure", _RESTORE.replace("iter->old_spte", "FROZEN_SPTE")),
        ("frozen on success", _RESTORE.replace("new_spte", "FROZEN_SPTE")),
        ("returns before", "		if (ret == -EIO)\n			return ret;\n" + _RESTORE),
        (
            "bugs instead",
            ("		if (KVM_BUG_ON(ret == -EIO, kvm) || ret == -EBUSY)\n			return ret;\n") + _RESTORE,
        ),
    ):
        yield Mutant(ORDER, name, (swap(TDP, ATOMIC, _RESTORE, text),), ((TDP, ATOMIC),))
    line = "				    new_spte, iter->level, true);\n"
    yield Mutant(
        ORDER,
        "returns at once",
        (swap(TDP, ATOMIC, line, f"{line}	if (ret)\n		return ret;\n"),),
        ((TDP, ATOMIC),),
    )


def left_too_early(sources: Sources) -> Iterator[Mutant]:
    """Further, a path leaves the SPTE frozen, or with the wrong value."""
    line = "				    new_spte, iter->level, true);\n"
    line = "	ret = __handle_changed_spte("
    yield Mutant(
        ORDER,
        "returns between",
        (swap(TDP, ATOMIC, line, f"	if (signal_pending(current))\n		return -EINTR;\n{line}"),),
        ((TDP, ATOMIC),),
    )
    yield Mutant(
        ORDER,
        "only direct thawed",
        (
            swap(
                TDP,
                ATOMIC,
                (
                    "perpetuity, otherwise set the mirror SPTE to the new desired value.\n"
                    "	 */\n"
                    "	if (is_mirror_sptep(iter->sptep)) {"
                ),
                ("perpetuity.\n	 */\n	if (is_mirror_sptep(iter->sptep) && iter->level > PG_LEVEL_4K) {"),
            ),
        ),
        ((TDP, ATOMIC),),
    )


def shown_first(sources: Sources) -> Iterator[Mutant]:
    """The new value stands before the external table has the change."""
    freeze = (
        "	if (is_mirror_sptep(iter->sptep))\n"
        "		ret = __tdp_mmu_set_spte_atomic(kvm, iter, FROZEN_SPTE);\n"
        "	else\n"
        "		ret = __tdp_mmu_set_spte_atomic(kvm, iter, new_spte);"
    )
    end = "	if (is_mirror_sptep(iter->sptep)) {\n" + _RESTORE
    yield Mutant(
        ORDER,
        "new instead of frozen",
        (
            swap(TDP, ATOMIC, freeze, "	ret = __tdp_mmu_set_spte_atomic(kvm, iter, new_spte);"),
            swap(
                TDP,
                ATOMIC,
                end,
                ('	if (is_mirror_sptep(iter->sptep)) {\n		if (ret)\n			pr_err_once("lost");'),
            ),
        ),
        ((TDP, ATOMIC),),
    )


def committed_first(sources: Sources) -> Iterator[Mutant]:
    """Further, the new value stands before the external table has the change."""
    freeze = (
        "	if (is_mirror_sptep(iter->sptep))\n"
        "		ret = __tdp_mmu_set_spte_atomic(kvm, iter, FROZEN_SPTE);\n"
        "	else\n"
        "		ret = __tdp_mmu_set_spte_atomic(kvm, iter, new_spte);"
    )
    yield Mutant(
        ORDER,
        "direct is frozen, mirror not",
        (swap(TDP, ATOMIC, freeze, freeze.replace("if (is", "if (!is")),),
        ((TDP, ATOMIC),),
    )
    line = "	ret = __handle_changed_spte("
    early = (
        swap(
            TDP,
            ATOMIC,
            line,
            (
                "	if (is_mirror_sptep(iter->sptep))\n"
                "		__kvm_tdp_mmu_write_spte(iter->sptep, new_spte);\n"
                f"{line}"
            ),
        ),
        swap(TDP, ATOMIC, _RESTORE, "		(void)ret;"),
    )
    yield Mutant(ORDER, "committed before", early, ((TDP, ATOMIC),))


def read_again(sources: Sources) -> Iterator[Mutant]:
    """The SPTE is read while it is frozen."""
    before_it, after_it = "	ret = __handle_changed_spte(", "				    new_spte, iter->level, true);\n"
    for text in (
        "iter->old_spte = kvm_tdp_mmu_read_spte(iter->sptep);",
        "iter->old_spte = READ_ONCE(*rcu_dereference(iter->sptep));",
        "tdp_iter_refresh_sptep(iter);",
    ):
        yield Mutant(
            ORDER, f"before: {text[:30]}", (swap(TDP, ATOMIC, before_it, f"	{text}\n{before_it}"),), ((TDP, ATOMIC),)
        )
        yield Mutant(
            ORDER, f"after: {text[:30]}", (swap(TDP, ATOMIC, after_it, f"{after_it}	{text}\n"),), ((TDP, ATOMIC),)
        )
    helper = "static u64 spte_now(struct tdp_iter *iter)\n{\n	return kvm_tdp_mmu_read_spte(iter->sptep);\n}\n"
    edits = (
        Edit(TDP, "", helper, "__tdp_mmu_set_spte_atomic"),
        swap(TDP, ATOMIC, before_it, f"	iter->old_spte = spte_now(iter);\n{before_it}"),
    )
    yield Mutant(ORDER, "by a helper", edits, ((TDP, ATOMIC), (TDP, "spte_now")))


def frozen_for_good(sources: Sources) -> Iterator[Mutant]:
    """FROZEN_SPTE as the value that is set."""
    for site in sources.sites(
        TDP, r"(tdp_mmu_(?:iter_set_spte|set_spte_atomic)\(kvm, &iter, )SHADOW_NONPRESENT_VALUE\)"
    ):
        yield Mutant(
            ORDER,
            f"zapped to frozen in {site.function}",
            (site.replaced(f"{site.groups[0]}FROZEN_SPTE)"),),
            ((TDP, site.function),),
        )
    for site in sources.sites(TDP, r"(tdp_mmu_(?:iter_set_spte|set_spte_atomic)\(kvm, &iter, )new_spte\)"):
        yield Mutant(
            ORDER,
            f"set to frozen in {site.function}",
            (site.replaced(f"{site.groups[0]}FROZEN_SPTE)"),),
            ((TDP, site.function),),
        )
    for site in sources.sites(TDP, r"	return spte_set;", "wrprot_gfn_range|write_protect_gfn"):
        text = f"	__kvm_tdp_mmu_write_spte(iter.sptep, FROZEN_SPTE);\n{site.matched}"
        yield Mutant(ORDER, f"stored in {site.function}", (site.replaced(text),), ((TDP, site.function),))


_FREEZE = (
    "	if (is_mirror_sptep(iter->sptep))\n"
    "		ret = __tdp_mmu_set_spte_atomic(kvm, iter, FROZEN_SPTE);\n"
    "	else\n"
    "		ret = __tdp_mmu_set_spte_atomic(kvm, iter, new_spte);"
)
_WRITTEN = (
    (
        "one call",
        _FREEZE,
        ("	ret = __tdp_mmu_set_spte_atomic(kvm, iter, is_mirror_sptep(iter->sptep) ? FROZEN_SPTE : new_spte);"),
    ),
    (
        "inverted",
        _FREEZE,
        (
            "	if (!is_mirror_sptep(iter->sptep))\n"
            "		ret = __tdp_mmu_set_spte_atomic(kvm, iter, new_spte);\n"
            "	else\n"
            "		ret = __tdp_mmu_set_spte_atomic(kvm, iter, FROZEN_SPTE);"
        ),
    ),
    ("one store", _RESTORE, "		__kvm_tdp_mmu_write_spte(iter->sptep, ret ? iter->old_spte : new_spte);"),
    (
        "turned",
        _RESTORE,
        (
            "		if (!ret)\n"
            "			__kvm_tdp_mmu_write_spte(iter->sptep, new_spte);\n"
            "		else\n"
            "			__kvm_tdp_mmu_write_spte(iter->sptep, iter->old_spte);"
        ),
    ),
    (
        "local value",
        _RESTORE,
        (
            "		u64 final = new_spte;\n"
            "\n"
            "		if (ret)\n"
            "			final = iter->old_spte;\n"
            "		__kvm_tdp_mmu_write_spte(iter->sptep, final);"
        ),
    ),
    ("negative", _RESTORE, _RESTORE.replace("if (ret)", "if (ret < 0)")),
)


def same_setter(sources: Sources) -> Iterator[Same]:
    """The atomic setter, written in other ways."""
    for name, old, new in _WRITTEN:
        yield Same(name, (swap(TDP, ATOMIC, old, new),))
    text = sources.functions(TDP)[ATOMIC]
    yield Same("renamed value", (Edit(TDP, text, re.sub(r"\bnew_spte\b", "next", text)),))
    yield Same("renamed result", (Edit(TDP, text, re.sub(r"\bret\b", "err", text)),))
    local = text.replace("	int ret;\n", "	bool mirror = is_mirror_sptep(iter->sptep);\n	int ret;\n", 1)
    local = local.replace("if (is_mirror_sptep(iter->sptep))", "if (mirror)")
    yield Same("mirror in a local", (Edit(TDP, text, local),))
    goto = text.replace("	if (ret)\n		return ret;\n", "	if (ret)\n		goto out;\n", 1)
    yield Same("goto out", (Edit(TDP, text, goto.replace("	return ret;\n}", "out:\n	return ret;\n}")),))


def same_in_helpers(sources: Sources) -> Iterator[Same]:
    """The freeze and the thaw have names."""
    thaw = "static void thaw(struct tdp_iter *iter, u64 spte)\n{\n	__kvm_tdp_mmu_write_spte(iter->sptep, spte);\n}\n"
    calls = "		if (ret)\n			thaw(iter, iter->old_spte);\n		else\n			thaw(iter, new_spte);"
    edits = (Edit(TDP, "", thaw, "__tdp_mmu_set_spte_atomic"), swap(TDP, ATOMIC, _RESTORE, calls))
    yield Same("thaw in a helper", edits)
    frost = (
        "static int freeze(struct kvm *kvm, struct tdp_iter *iter)\n"
        "{\n"
        "	return __tdp_mmu_set_spte_atomic(kvm, iter, FROZEN_SPTE);\n"
        "}\n"
    )
    call = swap(TDP, ATOMIC, "__tdp_mmu_set_spte_atomic(kvm, iter, FROZEN_SPTE)", "freeze(kvm, iter)")
    yield Same("freeze in a helper", (Edit(TDP, "", frost, "tdp_mmu_set_spte_atomic"), call))


OPERATORS: tuple[Operator, ...] = (
    counted_first,
    counted_by_callers,
    not_thawed,
    left_too_early,
    shown_first,
    committed_first,
    read_again,
    frozen_for_good,
)
SAME: tuple[Callable[[Sources], Iterator[Same]], ...] = (
    same_setter,
    same_in_helpers,
)
