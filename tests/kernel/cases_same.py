"""Edits that change no meaning; nothing may be said of them."""

from __future__ import annotations

from tests.kernel.edits import Edit, Same, before, drop, swap
from tests.kernel.places import GMEM, MAIN, MMU, TDP, TDX, WRAPPERS

REMOVE, TRACK, SET = "tdx_sept_remove_leaf_spte", "tdx_track", "tdx_sept_set_private_spte"
LOCK, UNLOCK = "write_lock(&kvm->mmu_lock);", "write_unlock(&kvm->mmu_lock);"
READ, READ_END = "read_lock(&kvm->mmu_lock);", "read_unlock(&kvm->mmu_lock);"
FLUSH = "err = tdh_phymem_page_wbinvd_hkid((u16)kvm_tdx->hkid, pfn);"
RESET = "tdx_quirk_reset_paddr(PFN_PHYS(pfn), PAGE_SIZE);"
BLOCK_TEST = "if (TDX_BUG_ON_2(err, TDH_MEM_RANGE_BLOCK, entry, level_state, kvm))\n\t\treturn -EIO;"
REMOVE_TEST = BLOCK_TEST.replace("RANGE_BLOCK", "PAGE_REMOVE")
REFUSE = "KVM_BUG_ON(is_mirror_sptep(iter.sptep), vcpu->kvm);"
ATOMIC_STEP = "tdp_mmu_set_spte_atomic(kvm, &iter, SHADOW_NONPRESENT_VALUE)"
ZAP_STEP = "tdp_mmu_iter_set_spte(kvm, &iter, SHADOW_NONPRESENT_VALUE);"
BUGGED = "KVM_BUG_ON(__handle_changed_spte(kvm, sp, gfn, old_spte, new_spte,\n\t\t\t\t\t level, shared), kvm);"
BY_MODE = "if (shared)\n\t\tread_{0}(&kvm->mmu_lock);\n\telse\n\t\twrite_{0}(&kvm->mmu_lock);"
MODE_HELPERS = """
    static void kvm_mmu_lock_mode(struct kvm *kvm, bool shared)
    {
            if (!shared)
                    write_lock(&kvm->mmu_lock);
            else
                    read_lock(&kvm->mmu_lock);
    }

    static void kvm_mmu_unlock_mode(struct kvm *kvm, bool shared)
    {
            if (!shared)
                    write_unlock(&kvm->mmu_lock);
            else
                    read_unlock(&kvm->mmu_lock);
    }
    """


def removal(*changes: tuple[str, str]) -> tuple[Edit, ...]:
    """Texts of tdx_sept_remove_leaf_spte()."""
    return tuple(swap(TDX, REMOVE, old, new) for old, new in changes)


SAME = (
    Same(
        "tdx_track() has another name",
        (
            swap(TDX, TRACK, "tdx_track(struct kvm *kvm)", "tdx_end_epoch(struct kvm *kvm)"),
            *removal(("tdx_track(kvm);", "tdx_end_epoch(kvm);")),
        ),
    ),
    Same(
        "the remover has another name",
        (
            swap(TDX, SET, REMOVE, "tdx_take_leaf"),
            swap(TDX, REMOVE, f"{REMOVE}(struct kvm *kvm,", "tdx_take_leaf(struct kvm *kvm,"),
        ),
    ),
    Same(
        "a variable has another name",
        removal(
            ("kvm_pfn_t pfn = spte", "kvm_pfn_t frame = spte"),
            ("hkid, pfn);", "hkid, frame);"),
            ("PFN_PHYS(pfn)", "PFN_PHYS(frame)"),
        ),
    ),
    Same(
        "the lock flag has another name",
        tuple(
            swap(TDP, "tdp_mmu_link_sp", old, new)
            for old, new in (("sp, bool shared)", "sp, bool atomic)"), ("if (shared)", "if (atomic)"))
        ),
    ),
    Same(
        "flush and reset in a helper",
        (
            before(
                TDX,
                REMOVE,
                """
            static int tdx_scrub_leaf(struct kvm *kvm, kvm_pfn_t pfn)
            {
                    u64 err = tdh_phymem_page_wbinvd_hkid((u16)to_kvm_tdx(kvm)->hkid, pfn);

                    if (TDX_BUG_ON(err, TDH_PHYMEM_PAGE_WBINVD, kvm))
                            return -EIO;
                    tdx_quirk_reset_paddr(PFN_PHYS(pfn), PAGE_SIZE);
                    return 0;
            }
            """,
            ),
            *removal(
                (f"{RESET}\n\treturn 0;", "return tdx_scrub_leaf(kvm, pfn);"),
                (FLUSH, ""),
                ("if (TDX_BUG_ON(err, TDH_PHYMEM_PAGE_WBINVD, kvm))\n\t\treturn -EIO;", ""),
            ),
        ),
    ),
    Same(
        "one step of the walk in a helper",
        (
            before(
                TDP,
                "tdp_mmu_zap_leafs",
                f"""
            static void tdp_mmu_zap_leaf(struct kvm *kvm, struct tdp_iter *it)
            {{
                    {ZAP_STEP.replace("&iter", "it")}
            }}
            """,
            ),
            swap(TDP, "tdp_mmu_zap_leafs", ZAP_STEP, "tdp_mmu_zap_leaf(kvm, &iter);"),
        ),
    ),
    Same(
        "an inverted if",
        (
            swap(
                TDP,
                "__tdp_mmu_zap_root",
                f"if (!shared)\n\t\t\t{ZAP_STEP}\n\t\telse if ({ATOMIC_STEP})\n\t\t\tgoto retry;",
                f"if (shared) {{\n\t\t\tif ({ATOMIC_STEP})\n\t\t\t\tgoto retry;\n\t\t}} else {{\n"
                f"\t\t\t{ZAP_STEP}\n\t\t}}",
            ),
        ),
    ),
    Same(
        "goto instead of return",
        removal(
            (BLOCK_TEST, BLOCK_TEST.replace("return -EIO", "goto failed")),
            (REMOVE_TEST, REMOVE_TEST.replace("return -EIO", "goto failed")),
            (f"{RESET}\n\treturn 0;", f"{RESET}\n\treturn 0;\n\nfailed:\n\treturn -EIO;"),
        ),
    ),
    Same(
        "one exit with a variable",
        (
            *removal(
                ("u64 err, entry, level_state;", "u64 err, entry, level_state;\n\tint ret = -EIO;"),
                (BLOCK_TEST, BLOCK_TEST.replace("return -EIO", "goto out")),
                (f"{RESET}\n\treturn 0;", f"{RESET}\n\tret = 0;\nout:\n\treturn ret;"),
            ),
        ),
    ),
    Same(
        "the error first, then the bug",
        removal(
            (
                BLOCK_TEST,
                "if (err) {\n\t\tTDX_BUG_ON_2(err, TDH_MEM_RANGE_BLOCK, entry, level_state, kvm);\n"
                "\t\treturn -EIO;\n\t}",
            )
        ),
    ),
    Same(
        "guard() instead of lock and unlock",
        (
            swap(MMU, "kvm_zap_gfn_range", LOCK, "guard(write_lock)(&kvm->mmu_lock);"),
            drop(MMU, "kvm_zap_gfn_range", UNLOCK),
        ),
    ),
    Same(
        "guard() where the fault maps",
        (
            swap(
                MMU,
                "kvm_tdp_mmu_page_fault",
                "read_lock(&vcpu->kvm->mmu_lock);",
                "guard(read_lock)(&vcpu->kvm->mmu_lock);",
            ),
            drop(MMU, "kvm_tdp_mmu_page_fault", "read_unlock(&vcpu->kvm->mmu_lock);"),
        ),
    ),
    Same(
        "lock and unlock instead of guard()",
        (
            swap(
                MMU,
                "kvm_tdp_mmu_map_private_pfn",
                "guard(read_lock)(&kvm->mmu_lock);\n\n\t\tr = kvm_tdp_mmu_map(vcpu, &fault);",
                f"{READ}\n\t\tr = kvm_tdp_mmu_map(vcpu, &fault);\n\t\t{READ_END}",
            ),
        ),
    ),
    Same(
        "scoped_guard() instead of lock and unlock",
        (
            swap(MMU, "kvm_mmu_zap_all_fast", LOCK, "scoped_guard(write_lock, &kvm->mmu_lock)"),
            drop(MMU, "kvm_mmu_zap_all_fast", UNLOCK),
        ),
    ),
    Same(
        "the lock by mode in helpers",
        (
            before(TDP, "kvm_tdp_mmu_zap_invalidated_roots", MODE_HELPERS),
            swap(TDP, "kvm_tdp_mmu_zap_invalidated_roots", BY_MODE.format("lock"), "kvm_mmu_lock_mode(kvm, shared);"),
            swap(
                TDP, "kvm_tdp_mmu_zap_invalidated_roots", BY_MODE.format("unlock"), "kvm_mmu_unlock_mode(kvm, shared);"
            ),
        ),
    ),
    Same(
        "a pointer to the lock",
        (
            swap(MMU, "kvm_zap_gfn_range", LOCK, "rwlock_t *lock = &kvm->mmu_lock;\n\n\twrite_lock(lock);"),
            swap(MMU, "kvm_zap_gfn_range", UNLOCK, "write_unlock(lock);"),
        ),
    ),
    Same(
        "a pointer to the lock handed to a helper",
        (
            before(MMU, "kvm_zap_gfn_range", "static void kvm_take(rwlock_t *lock)\n{\n\twrite_lock(lock);\n}\n"),
            swap(MMU, "kvm_zap_gfn_range", LOCK, "kvm_take(&kvm->mmu_lock);"),
        ),
    ),
    Same(
        "statements that do not depend on each other",
        removal(
            ("gpa_t gpa = gfn_to_gpa(gfn);", ""),
            (
                "kvm_pfn_t pfn = spte_to_pfn(old_spte);",
                "gpa_t gpa = gfn_to_gpa(gfn);\n\tkvm_pfn_t pfn = spte_to_pfn(old_spte);",
            ),
        ),
    ),
    Same(
        "a parameter more",
        (
            swap(TDP, "tdp_mmu_zap_leafs", "bool can_yield, bool flush)", "bool can_yield, bool flush, bool account)"),
            swap(TDP, "kvm_tdp_mmu_zap_leafs", "end, true, flush);", "end, true, flush, true);"),
            swap(TDP, "kvm_tdp_mmu_unmap_gfn_range", "range->may_block, flush);", "range->may_block, flush, false);"),
        ),
    ),
    Same(
        "a call in a macro",
        (
            before(TDX, REMOVE, "#define tdx_track_all(vm)\tdo { tdx_track(vm); } while (0)\n"),
            *removal(("tdx_track(kvm);", "tdx_track_all(kvm);")),
        ),
    ),
    Same(
        "the lock in a macro",
        (
            before(GMEM, "__kvm_gmem_invalidate_start", "#define gmem_lock(vm)\tKVM_MMU_LOCK(vm)\n"),
            swap(GMEM, "__kvm_gmem_invalidate_start", "KVM_MMU_LOCK(kvm);", "gmem_lock(kvm);"),
        ),
    ),
    Same(
        "the check in a variable",
        (
            swap(
                TDP,
                "kvm_tdp_mmu_map",
                REFUSE,
                "bool mirror = is_mirror_sptep(iter.sptep);\n\n\t\t\tKVM_BUG_ON(mirror, vcpu->kvm);",
            ),
        ),
    ),
    Same(
        "the check about the root",
        (swap(TDP, "kvm_tdp_mmu_map", REFUSE, "KVM_BUG_ON(is_mirror_sp(root), vcpu->kvm);"),),
    ),
    Same(
        "the result in a variable first",
        (
            swap(
                TDP,
                "handle_changed_spte",
                BUGGED,
                "int r = __handle_changed_spte(kvm, sp, gfn, old_spte, new_spte, level, shared);\n\n"
                "\tKVM_BUG_ON(r, kvm);",
            ),
        ),
    ),
    Same(
        "a constant in a variable",
        (swap(MMU, "kvm_mmu_slot_try_split_huge_pages", "target_level, true);", "target_level, tdp_mmu_enabled);"),),
    ),
    Same(
        "the wrapper declares and calls at once",
        (
            swap(WRAPPERS, "tdh_mem_range_block", "u64 ret;\n", "\n"),
            swap(WRAPPERS, "tdh_mem_range_block", "ret = seamcall_ret(", "u64 ret = seamcall_ret("),
        ),
    ),
    Same(
        "the handler is called by name",
        (
            swap(
                MAIN,
                "kvm_handle_gfn_range",
                "ret |= range->handler(kvm, &gfn_range);",
                "gfn_handler_t handler = range->handler;\n\n\t\t\tret |= handler(kvm, &gfn_range);",
            ),
        ),
    ),
    Same(
        "if and else instead of early returns",
        (
            swap(
                TDX,
                SET,
                f"return {REMOVE}(kvm, gfn, level, old_spte);\n",
                f"return {REMOVE}(kvm, gfn, level, old_spte);\n\telse if (false)\n\t\treturn -EIO;\n",
            ),
        ),
    ),
)
