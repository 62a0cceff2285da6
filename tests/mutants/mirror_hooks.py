"""Violations of the rule about a second way to the external table, and edits there that mean the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.kernel.edits import Edit, after_line, swap
from tests.kernel.places import HOST_H, OPS_H, TDP, TDX
from tests.mutants.sources import Mutant, Operator, Same, Sources

SCATTERED = "tdx-external-update-scattered"
OPS_LINE = "KVM_X86_OP_OPTIONAL(free_external_spt)"
MEMBER = "\tvoid (*free_external_spt)(struct kvm *kvm, struct kvm_mmu_page *sp);"
UPDATE = "r = kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level);"
ATOMIC, PLAIN, HANDLER = "tdp_mmu_set_spte_atomic", "tdp_mmu_set_spte", "__handle_changed_spte"

_HOOKS = (
    ("split_external_spte", "int", "struct kvm *kvm, gfn_t gfn, enum pg_level level, u64 old_spte, void *table"),
    ("demote_external_leaf", "int", "struct kvm *kvm, gfn_t gfn, enum pg_level level"),
    ("remove_external_spte", "void", "struct kvm *kvm, gfn_t gfn, enum pg_level level, u64 mirror_spte"),
    ("link_external_spt", "int", "struct kvm *kvm, gfn_t gfn, enum pg_level level, void *external_spt"),
    ("change_external_spte", "int", "struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, int level"),
    ("wrprot_external_spte", "int", "struct kvm *kvm, struct tdp_iter *iter"),
)


def more_hooks(sources: Sources) -> Iterator[Mutant]:
    """A hook for one transition, called where that transition is made."""
    calls = {
        "tdp_mmu_split_huge_page": "ret = tdp_mmu_link_sp(kvm, iter, sp, shared);",
        "wrprot_gfn_range": "spte_set = true;",
    }
    for name, returns, params in _HOOKS:
        for function, line in calls.items():
            args = ", ".join(_argument(p, function) for p in params.split(", "))
            call = (
                f"KVM_BUG_ON(kvm_x86_call({name})({args}), kvm);"
                if returns == "int"
                else f"kvm_x86_call({name})({args});"
            )
            macro = "KVM_X86_OP_OPTIONAL_RET0" if returns == "int" else "KVM_X86_OP_OPTIONAL"
            edits = (
                after_line(OPS_H, OPS_LINE, f"{macro}({name})"),
                after_line(HOST_H, MEMBER, f"	{returns} (*{name})({params});"),
                swap(TDP, function, line, f"{line}\n	{call}"),
            )
            yield Mutant(SCATTERED, f"hook {name} in {function}", edits, ((TDP, function),))


def _argument(param: str, function: str) -> str:
    it = "iter->" if function == "tdp_mmu_split_huge_page" else "iter."
    name = param.replace("*", " ").split()[-1]
    special = {
        "kvm": "kvm",
        "table": "NULL",
        "external_spt": "NULL",
        "new_spte": "0",
        "iter": it.replace("iter->", "iter").replace("iter.", "&iter"),
    }
    return special.get(name, it + {"mirror_spte": "old_spte"}.get(name, name))


_SECOND = (
    (
        "tdp_mmu_set_spte",
        "return old_spte;",
        "KVM_BUG_ON(kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level), kvm);",
    ),
    (
        "tdp_mmu_link_sp",
        "tdp_account_mmu_page(kvm, sp);",
        ("ret = kvm_x86_call(set_external_spte)(kvm, iter->gfn, iter->old_spte, spte, iter->level);"),
    ),
    (
        "kvm_tdp_mmu_age_spte",
        "if (spte_ad_enabled(iter->old_spte))",
        ("KVM_BUG_ON(kvm_x86_call(set_external_spte)(kvm, iter->gfn, iter->old_spte, 0, iter->level), kvm);"),
    ),
    (
        "wrprot_gfn_range",
        "spte_set = true;",
        ("KVM_BUG_ON(kvm_x86_call(set_external_spte)(kvm, iter.gfn, iter.old_spte, new_spte, iter.level), kvm);"),
    ),
    (
        "handle_removed_pt",
        "if (is_mirror_sp(sp))\n",
        "KVM_BUG_ON(kvm_x86_call(set_external_spte)(kvm, base_gfn, 0, FROZEN_SPTE, level), kvm);",
    ),
    (
        "clear_dirty_gfn_range",
        "if (!(iter.old_spte & dbit))",
        ("KVM_BUG_ON(kvm_x86_call(set_external_spte)(kvm, iter.gfn, iter.old_spte, 0, iter.level), kvm);"),
    ),
    (
        "tdp_mmu_split_huge_page",
        "kvm_update_page_stats(kvm, level - 1, SPTE_ENT_PER_PAGE);",
        ("KVM_BUG_ON(kvm_x86_call(set_external_spte)(kvm, iter->gfn, huge_spte, iter->old_spte, level), kvm);"),
    ),
)


def second_places(sources: Sources) -> Iterator[Mutant]:
    """The hook is called from another function as well, directly and through a helper."""
    for function, line, call in _SECOND:
        yield Mutant(
            SCATTERED,
            f"second call in {function}",
            (swap(TDP, function, line, f"{call}\n	{line}"),),
            ((TDP, function),),
        )
        helper = (
            "static int push_external(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, int "
            "level)\n"
            "{\n"
            "	return kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level);\n"
            "}\n"
        )
        through = call.replace("kvm_x86_call(set_external_spte)", "push_external")
        edits = (
            Edit(TDP, "", helper, function if function != "kvm_tdp_mmu_age_spte" else "tdp_mmu_zap_leafs"),
            swap(TDP, function, line, f"{through}\n	{line}"),
        )
        yield Mutant(
            SCATTERED, f"second call by a helper in {function}", edits, ((TDP, "push_external"), (TDP, function))
        )


def moved_hook(sources: Sources) -> Iterator[Mutant]:
    """The one call moves to where not all changes pass."""
    gone = swap(TDP, HANDLER, UPDATE, "r = 0;")
    wrapper = swap(
        TDP,
        "handle_changed_spte",
        "	KVM_BUG_ON(__handle",
        (
            "	if (is_mirror_sp(sp))\n"
            "		KVM_BUG_ON(kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level), "
            "kvm);\n"
            "	KVM_BUG_ON(__handle"
        ),
    )
    yield Mutant(SCATTERED, "moved to the exclusive wrapper", (gone, wrapper), ((TDP, "handle_changed_spte"),))
    atomic = swap(
        TDP,
        ATOMIC,
        "	if (is_mirror_sptep(iter->sptep)) {\n",
        (
            "	if (!ret && is_mirror_sptep(iter->sptep))\n"
            "		ret = kvm_x86_call(set_external_spte)(kvm, iter->gfn, iter->old_spte, new_spte, "
            "iter->level);\n"
            "	if (is_mirror_sptep(iter->sptep)) {\n"
        ),
    )
    yield Mutant(SCATTERED, "moved to the atomic setter", (gone, atomic), ((TDP, ATOMIC),))
    plain = swap(
        TDP,
        PLAIN,
        "	return old_spte;",
        (
            "	if (is_mirror_sp(sp))\n"
            "		KVM_BUG_ON(kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level), "
            "kvm);\n"
            "	return old_spte;"
        ),
    )
    yield Mutant(SCATTERED, "moved to the exclusive setter", (gone, plain), ((TDP, PLAIN),))


def by_lock_state(sources: Sources) -> Iterator[Mutant]:
    """How the lock is held decides whether the external table is told."""
    guard = "} else if (is_mirror_sp(sp)) {"
    for cond in ("!shared && ", "shared && ", "lockdep_is_held_type(&kvm->mmu_lock, 0) && "):
        yield Mutant(
            SCATTERED,
            f"guarded by {cond}",
            (swap(TDP, HANDLER, guard, guard.replace("is_mirror", f"{cond}is_mirror")),),
            ((TDP, HANDLER),),
        )
    for text in (
        "if (shared)\n			return -EOPNOTSUPP;\n		",
        "if (!shared)\n			return 0;\n		",
    ):
        yield Mutant(
            SCATTERED, f"refused: {text[:12]}", (swap(TDP, HANDLER, UPDATE, text + UPDATE),), ((TDP, HANDLER),)
        )
    local = (
        swap(TDP, HANDLER, "		int r;\n", "		bool exclusive = !shared;\n		int r = 0;\n"),
        swap(TDP, HANDLER, UPDATE, f"if (exclusive)\n			{UPDATE}"),
    )
    yield Mutant(SCATTERED, "guarded by a local", local, ((TDP, HANDLER),))
    above = swap(
        TDP,
        "handle_changed_spte",
        "	KVM_BUG_ON(__handle",
        "	if (shared)\n		return;\n	KVM_BUG_ON(__handle",
    )
    yield Mutant(SCATTERED, "guarded in the caller", (above,), ((TDP, "handle_changed_spte"),))


def lock_parameters(sources: Sources) -> Iterator[Mutant]:
    """The hook is told how the lock is held, and refuses by it."""
    for name in ("shared", "mmu_lock_shared", "atomic", "exclusive"):
        edits = (
            swap(
                HOST_H, "", "u64 new_spte, enum pg_level level);", f"u64 new_spte, enum pg_level level, bool {name});"
            ),
            swap(
                TDP,
                HANDLER,
                "old_spte, new_spte, level);\n		if (r)",
                "old_spte, new_spte, level, shared);\n		if (r)",
            ),
            swap(
                TDX,
                "tdx_sept_set_private_spte",
                "u64 new_spte, enum pg_level level)",
                f"u64 new_spte, enum pg_level level, bool {name})",
            ),
            swap(
                TDX,
                "tdx_sept_set_private_spte",
                "	if (is_shadow_present_pte(old_spte))",
                (
                    f"	if ({name} && is_shadow_present_pte(old_spte))\n"
                    "		return -EOPNOTSUPP;\n"
                    "	if (is_shadow_present_pte(old_spte))"
                ),
            ),
        )
        yield Mutant(SCATTERED, f"parameter {name}", edits, ((HOST_H, "set_external_spte"),))


def no_default(sources: Sources) -> Iterator[Mutant]:
    """The fallible optional hook has no default result."""
    edit = Edit(OPS_H, "KVM_X86_OP_OPTIONAL_RET0(set_external_spte)", "KVM_X86_OP_OPTIONAL(set_external_spte)")
    yield Mutant(SCATTERED, "no default", (edit,), ((OPS_H, "set_external_spte"),))


def same_handler(sources: Sources) -> Iterator[Same]:
    """The one place that tells the external table, written in other ways."""
    push = (
        "static int push_external(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, int "
        "level)\n"
        "{\n"
        "	return kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level);\n"
        "}\n"
    )
    yield Same(
        "hook in a helper",
        (Edit(TDP, "", push, HANDLER), swap(TDP, HANDLER, "kvm_x86_call(set_external_spte)(", "push_external(")),
    )
    text = sources.functions(TDP)[HANDLER]
    yield Same("handler's result renamed", (Edit(TDP, text, re.sub(r"\br\b", "err", text)),))
    yield Same(
        "direct returns first",
        (swap(TDP, HANDLER, "		if (r)\n			return r;", "		if (r != 0)\n			return r;"),),
    )


def same_hooks(sources: Sources) -> Iterator[Same]:
    """Further, the one place that tells the external table, written in other ways."""
    link = sources.functions(TDP)["tdp_mmu_link_sp"]
    yield Same(
        "link inverted",
        (
            Edit(
                TDP,
                link,
                link.replace(
                    (
                        "	if (shared) {\n"
                        "		ret = tdp_mmu_set_spte_atomic(kvm, iter, spte);\n"
                        "		if (ret)\n"
                        "			return ret;\n"
                        "	} else {\n"
                        "		tdp_mmu_iter_set_spte(kvm, iter, spte);\n"
                        "	}"
                    ),
                    (
                        "	if (!shared) {\n"
                        "		tdp_mmu_iter_set_spte(kvm, iter, spte);\n"
                        "	} else {\n"
                        "		ret = tdp_mmu_set_spte_atomic(kvm, iter, spte);\n"
                        "		if (ret)\n"
                        "			return ret;\n"
                        "	}"
                    ),
                ),
            ),
        ),
    )


def same_parameters(sources: Sources) -> Iterator[Same]:
    """Further: Further: The one place that tells the external table, written in other ways."""
    topup = (
        after_line(OPS_H, OPS_LINE, "KVM_X86_OP_OPTIONAL_RET0(topup_external_cache)"),
        after_line(HOST_H, MEMBER, "	int (*topup_external_cache)(struct kvm *kvm, struct kvm_vcpu *vcpu, int min);"),
    )
    yield Same("a hook that fills a cache", topup)
    hint = (
        swap(HOST_H, "", "u64 new_spte, enum pg_level level);", "u64 new_spte, enum pg_level level, bool shared);"),
        swap(
            TDP,
            HANDLER,
            "old_spte, new_spte, level);\n		if (r)",
            "old_spte, new_spte, level, shared);\n		if (r)",
        ),
        swap(
            TDX,
            "tdx_sept_set_private_spte",
            "u64 new_spte, enum pg_level level)",
            "u64 new_spte, enum pg_level level, bool shared)",
        ),
    )
    yield Same("a parameter that decides nothing", hint)


OPERATORS: tuple[Operator, ...] = (
    more_hooks,
    second_places,
    moved_hook,
    by_lock_state,
    lock_parameters,
    no_default,
)
SAME: tuple[Callable[[Sources], Iterator[Same]], ...] = (
    same_handler,
    same_hooks,
    same_parameters,
)
