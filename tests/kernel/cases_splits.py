"""Rule 2: a huge leaf of a mirror root is split under the read lock."""

from __future__ import annotations

from tests.kernel.edits import At, Case, Edit, after_line, before, drop, swap
from tests.kernel.places import LOCKS, MMU, TDP, TDP_H, TDX, TDX_H, WRAPPERS

MAP, SPLIT, TRY = "kvm_tdp_mmu_map", "tdp_mmu_split_huge_page", "kvm_tdp_mmu_try_split_huge_pages"
REFUSE = "KVM_BUG_ON(is_mirror_sptep(iter.sptep), vcpu->kvm);"
READ = "read_lock(&kvm->mmu_lock);"
SHARED, EXCLUSIVE = ("read", "true"), ("write", "false")
WALKED = (
    "kvm_mmu_slot_try_split_huge_pages",
    "kvm_tdp_mmu_split_private",
    "shared is true",
    "tdp_mmu_split_huge_pages_root",
    SPLIT,
)
LINK = (At(TDP, SPLIT, "tdp_mmu_link_sp(kvm, iter, sp, shared)"),)
WALK = "for_each_valid_tdp_mmu_root_yield_safe(kvm, root, slot->as_id)"
RETRY = "if (is_mirror_sptep(iter.sptep))\n\t\t\t\tgoto retry;"
DEMOTED = "return tdx_sept_remove_leaf_spte(kvm, gfn, level, old_spte);"
PROTOTYPE = """u64 tdh_mem_page_demote(struct tdx_td *td, u64 gpa, enum pg_level level, struct page *table,
                                 u64 *ext_err1, u64 *ext_err2);"""


def mirror_walk(skip: str, *calls: tuple[str, str], types: str = "KVM_MIRROR_ROOTS") -> tuple[Edit, ...]:
    """A new walk that splits, called from mmu.c with the lock in a mode, for each of ``calls`` (lock, shared)."""
    asked = "".join(
        f"{lock}_lock(&kvm->mmu_lock);\n\tkvm_tdp_mmu_split_private(kvm, start, end, {shared});\n"
        f"\t{lock}_unlock(&kvm->mmu_lock);\n\n\t"
        for lock, shared in calls
    )
    return (
        after_line(
            TDP_H,
            "void kvm_tdp_mmu_zap_all(struct kvm *kvm);",
            "void kvm_tdp_mmu_split_private(struct kvm *kvm, gfn_t start, gfn_t end, bool shared);",
        ),
        before(
            TDP,
            "tdp_mmu_need_write_protect",
            f"""
            void kvm_tdp_mmu_split_private(struct kvm *kvm, gfn_t start, gfn_t end, bool shared)
            {{
                    struct kvm_mmu_page *root;

                    kvm_lockdep_assert_mmu_lock_held(kvm, shared);
                    __for_each_tdp_mmu_root_yield_safe(kvm, root, 0, {types}) {{
                            if ({skip})
                                    continue;
                            if (tdp_mmu_split_huge_pages_root(kvm, root, start, end, PG_LEVEL_4K, shared)) {{
                                    kvm_tdp_mmu_put_root(kvm, root);
                                    break;
                            }}
                    }}
            }}
            """,
        ),
        swap(MMU, "kvm_mmu_slot_try_split_huge_pages", READ, f"{asked}{READ}"),
    )


WRAPPER = """
u64 tdh_mem_page_demote(struct tdx_td *td, u64 gpa, enum pg_level level, struct page *table,
                        u64 *ext_err1, u64 *ext_err2)
{
        struct tdx_module_args args = {
                .rcx = gpa | pg_level_to_tdx_sept_level(level),
                .rdx = tdx_tdr_pa(td),
                .r8 = page_to_phys(table),
        };
        u64 ret = seamcall_ret(TDH_MEM_PAGE_DEMOTE, &args);

        *ext_err1 = args.rcx;
        *ext_err2 = args.rdx;
        return ret;
}
"""

OPERATION = """
static int tdx_sept_split_leaf_spte(struct kvm *kvm, gfn_t gfn, enum pg_level level, u64 new_spte)
{
        struct page *table = tdx_spte_to_sept_pt(kvm, gfn, new_spte, level);
        struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
        u64 err, entry, level_state;
        gpa_t gpa = gfn_to_gpa(gfn);

        CONTRACT
        err = tdh_do_no_vcpus(tdh_mem_range_block, kvm, &kvm_tdx->td, gpa, level, &entry, &level_state);
        if (TDX_BUG_ON_2(err, TDH_MEM_RANGE_BLOCK, entry, level_state, kvm))
                return -EIO;

        tdx_track(kvm);

        err = tdh_do_no_vcpus(tdh_mem_page_demote, kvm, &kvm_tdx->td, gpa, level, table, &entry,
                              &level_state);
        if (TDX_BUG_ON_2(err, TDH_MEM_PAGE_DEMOTE, entry, level_state, kvm))
                return -EIO;

        return 0;
}
"""


def demote(guard: str, contract: str = "lockdep_assert_held_write(&kvm->mmu_lock);") -> tuple[Edit, ...]:
    """TDX learns to demote a leaf, and the fault path no longer refuses to split one."""
    return (
        Edit(TDX_H, "u64 tdh_phymem_cache_wb(bool resume);", f"u64 tdh_phymem_cache_wb(bool resume);\n{PROTOTYPE}"),
        before(
            WRAPPERS,
            "tdh_phymem_cache_wb",
            WRAPPER,
        ),
        before(
            TDX,
            "tdx_sept_set_private_spte",
            OPERATION.replace("CONTRACT", contract),
        ),
        swap(
            TDX,
            "tdx_sept_set_private_spte",
            DEMOTED,
            f"{{\n\t\tif (is_shadow_present_pte(new_spte))\n"
            f"\t\t\treturn tdx_sept_split_leaf_spte(kvm, gfn, level, new_spte);\n\t\t{DEMOTED}\n\t}}",
        ),
        swap(TDP, MAP, REFUSE, guard),
    )


def inside(test: str) -> tuple[Edit, ...]:
    """The check moves from the caller to the function that splits."""
    return (
        drop(TDP, MAP, REFUSE),
        swap(TDP, SPLIT, "int ret, i;", f"int ret, i;\n\n\tif ({test})\n\t\treturn -EBUSY;"),
    )


CASES = (
    Case(
        "the check before the split is gone",
        LOCKS,
        (drop(TDP, MAP, REFUSE),),
        LINK,
        (MAP, SPLIT),
        inside("KVM_BUG_ON(is_mirror_sptep(iter->sptep), kvm)"),
    ),
    Case(
        "the check before the split is inverted",
        LOCKS,
        (swap(TDP, MAP, REFUSE, REFUSE.replace("(is_mirror", "(!is_mirror")),),
        LINK,
        (MAP, SPLIT),
        (swap(TDP, MAP, REFUSE, RETRY),),
    ),
    Case(
        "the check only warns",
        LOCKS,
        (swap(TDP, MAP, REFUSE, "WARN_ON_ONCE(is_mirror_sptep(iter.sptep));"),),
        LINK,
        (MAP, SPLIT),
        (swap(TDP, MAP, REFUSE, "if (WARN_ON_ONCE(is_mirror_sptep(iter.sptep)))\n\t\t\t\tgoto retry;"),),
    ),
    Case(
        "refused only where the lock is not shared",
        LOCKS,
        inside("!shared && KVM_BUG_ON(is_mirror_sptep(iter->sptep), kvm)"),
        LINK,
        (MAP, SPLIT),
        inside("shared && KVM_BUG_ON(is_mirror_sptep(iter->sptep), kvm)"),
    ),
    Case(
        "a walk of the mirror roots, shared",
        LOCKS,
        mirror_walk("!root->role.level", SHARED),
        LINK,
        WALKED,
        mirror_walk("!root->role.level", EXCLUSIVE),
    ),
    Case(
        "a walk of the mirror roots, shared in one of two calls",
        LOCKS,
        mirror_walk("!root->role.level", EXCLUSIVE, SHARED),
        LINK,
        WALKED,
        mirror_walk("!root->role.level || shared", EXCLUSIVE, SHARED),
    ),
    Case(
        "a walk of all roots that picks the mirror roots, shared",
        LOCKS,
        mirror_walk("!is_mirror_sp(root)", SHARED, types="KVM_VALID_ROOTS"),
        LINK,
        WALKED,
        mirror_walk("is_mirror_sp(root)", SHARED, types="KVM_VALID_ROOTS"),
    ),
    Case(
        "dirty logging walks the mirror roots",
        LOCKS,
        (swap(TDP, TRY, WALK, "__for_each_tdp_mmu_root_yield_safe(kvm, root, slot->as_id, KVM_MIRROR_ROOTS)"),),
        LINK,
        ("kvm_mmu_slot_try_split_huge_pages", TRY, "tdp_mmu_split_huge_pages_root", SPLIT),
        (swap(TDP, TRY, WALK, "__for_each_tdp_mmu_root_yield_safe(kvm, root, slot->as_id, KVM_DIRECT_ROOTS)"),),
    ),
    Case("a demote path, called from the atomic path", LOCKS, demote(""), LINK, (MAP, SPLIT), demote(RETRY)),
    Case(
        "a demote path without a lock assertion",
        LOCKS,
        demote("", ""),
        (
            At(TDX, "tdx_sept_split_leaf_spte", "tdh_do_no_vcpus(tdh_mem_page_demote"),
            At(TDX, "tdx_sept_split_leaf_spte", "tdh_do_no_vcpus(tdh_mem_range_block"),
            *LINK,
        ),
        ("tdp_mmu_set_spte_atomic", "__handle_changed_spte", "set_external_spte", "tdx_sept_split_leaf_spte"),
        demote("if (KVM_BUG_ON(is_mirror_sptep(iter.sptep), kvm))\n\t\t\t\tgoto retry;"),
    ),
)
