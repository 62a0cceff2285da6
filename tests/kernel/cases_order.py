"""Rule 10: BLOCK, TRACK, REMOVE, flush and reset out of order."""

from __future__ import annotations

from tests.kernel.edits import At, Case, Edit, before, drop, swap
from tests.kernel.places import ORDER, TDX

REMOVE, TRACK = "tdx_sept_remove_leaf_spte", "tdx_track"
TRACKS = "tdx_track(kvm);"
BLOCK_CALL = "tdh_do_no_vcpus(tdh_mem_range_block, kvm, &kvm_tdx->td, gpa,\n\t\t\t      level,"
REMOVE_CALL = "tdh_do_no_vcpus(tdh_mem_page_remove, kvm, &kvm_tdx->td, gpa,\n\t\t\t      level,"
BLOCK_TEST = "if (TDX_BUG_ON_2(err, TDH_MEM_RANGE_BLOCK, entry, level_state, kvm))\n\t\treturn -EIO;"
REMOVE_TEST = "if (TDX_BUG_ON_2(err, TDH_MEM_PAGE_REMOVE, entry, level_state, kvm))\n\t\treturn -EIO;"
FLUSH = "err = tdh_phymem_page_wbinvd_hkid((u16)kvm_tdx->hkid, pfn);"
FLUSH_TEST = "if (TDX_BUG_ON(err, TDH_PHYMEM_PAGE_WBINVD, kvm))\n\t\treturn -EIO;"
RESET = "tdx_quirk_reset_paddr(PFN_PHYS(pfn), PAGE_SIZE);"
KICK = "kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);"
AT_REMOVE = At(TDX, REMOVE, "tdh_do_no_vcpus(tdh_mem_page_remove")


def track(text: str) -> tuple[Edit, ...]:
    """What stands where a removal tracks."""
    return (swap(TDX, REMOVE, TRACKS, text),)


def behind_track(text: str) -> tuple[Edit, ...]:
    return track(f"{TRACKS}\n\n\t{text}")


def helper(text: str, *edits: Edit) -> tuple[Edit, ...]:
    return (*edits, before(TDX, REMOVE, text))


def skipped(text: str) -> tuple[Edit, ...]:
    """A jump behind a BLOCK that succeeded, over TRACK or to it."""
    jump = "if (unlikely(level_state & SPTE_MMU_PRESENT_MASK))\n\t\tgoto blocked;"
    return (*track(text), swap(TDX, REMOVE, BLOCK_TEST, f"{BLOCK_TEST}\n\t{jump}"))


def demotes(track_text: str, size: str = "level") -> tuple[Edit, ...]:
    """A demotion of its own, behind an ioctl."""
    return (
        before(
            TDX,
            "tdx_sept_set_private_spte",
            f"""
            static int tdx_demote_leaf(struct kvm *kvm, gfn_t gfn, enum pg_level level, struct page *table)
            {{
                    struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
                    u64 err, entry, level_state;

                    guard(write_lock)(&kvm->mmu_lock);
                    err = tdh_do_no_vcpus(tdh_mem_range_block, kvm, &kvm_tdx->td, gfn_to_gpa(gfn), level,
                                          &entry, &level_state);
                    if (TDX_BUG_ON_2(err, TDH_MEM_RANGE_BLOCK, entry, level_state, kvm))
                            return -EIO;

                    {track_text}
                    err = tdh_do_no_vcpus(tdh_mem_page_demote, kvm, &kvm_tdx->td, gfn_to_gpa(gfn), {size}, table,
                                          &entry, &level_state);
                    if (TDX_BUG_ON_2(err, TDH_MEM_PAGE_DEMOTE, entry, level_state, kvm))
                            return -EIO;

                    return 0;
            }}
            """,
        ),
        swap(
            TDX, "tdx_td_finalize", "return 0;", "return tdx_demote_leaf(kvm, 0, PG_LEVEL_2M, kvm_tdx->page_add_src);"
        ),
    )


DEMOTE = At(TDX, "tdx_demote_leaf", "tdh_do_no_vcpus(tdh_mem_page_demote")

CASES = (
    Case(
        "TRACK skipped on one error path",
        ORDER,
        skipped(f"{TRACKS}\nblocked:"),
        (AT_REMOVE,),
        (REMOVE,),
        skipped(f"blocked:\n\t{TRACKS}"),
    ),
    Case(
        "TRACK is gone",
        ORDER,
        track(""),
        (AT_REMOVE,),
        (REMOVE,),
        helper("static void tdx_end_epoch(struct kvm *kvm)\n{\n\ttdx_track(kvm);\n}\n", *track("tdx_end_epoch(kvm);")),
    ),
    Case(
        "TRACK behind REMOVE",
        ORDER,
        (drop(TDX, REMOVE, TRACKS), swap(TDX, REMOVE, FLUSH, f"{TRACKS}\n\t{FLUSH}")),
        (AT_REMOVE,),
        (REMOVE,),
        (swap(TDX, REMOVE, FLUSH, f"{TRACKS}\n\t{FLUSH}"),),
    ),
    Case(
        "TRACK before BLOCK",
        ORDER,
        (drop(TDX, REMOVE, TRACKS), swap(TDX, REMOVE, f"err = {BLOCK_CALL}", f"{TRACKS}\n\terr = {BLOCK_CALL}")),
        (AT_REMOVE,),
        (REMOVE,),
        (swap(TDX, REMOVE, f"err = {BLOCK_CALL}", f"{TRACKS}\n\terr = {BLOCK_CALL}"),),
    ),
    Case(
        "TRACK for huge leafs only",
        ORDER,
        track(f"if (level > PG_LEVEL_4K)\n\t\t{TRACKS}"),
        (AT_REMOVE,),
        (REMOVE,),
        track(f"if (level > PG_LEVEL_4K)\n\t\t{TRACKS}\n\telse\n\t\t{TRACKS}"),
    ),
    Case(
        "no kick behind TRACK",
        ORDER,
        (drop(TDX, TRACK, KICK),),
        (AT_REMOVE,),
        (REMOVE,),
        (
            swap(TDX, TRACK, KICK, "tdx_kick_all(kvm);"),
            before(TDX, TRACK, f"static void tdx_kick_all(struct kvm *kvm)\n{{\n\t{KICK}\n}}\n"),
        ),
    ),
    Case(
        "TRACK where the TD does not run",
        ORDER,
        (swap(TDX, TRACK, "kvm_tdx->state != TD_STATE_RUNNABLE", "kvm_tdx->state == TD_STATE_RUNNABLE"),),
        (AT_REMOVE,),
        (REMOVE,),
        (swap(TDX, TRACK, "unlikely(kvm_tdx->state != TD_STATE_RUNNABLE)", "!(kvm_tdx->state == TD_STATE_RUNNABLE)"),),
    ),
    Case(
        "BLOCK is gone",
        ORDER,
        (swap(TDX, REMOVE, f"err = {BLOCK_CALL} &entry, &level_state);", "err = 0;"),),
        (AT_REMOVE,),
        (REMOVE,),
        helper(
            """
            static u64 tdx_block_leaf(struct kvm *kvm, gpa_t gpa, enum pg_level level, u64 *entry, u64 *state)
            {
                    struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);

                    return tdh_do_no_vcpus(tdh_mem_range_block, kvm, &kvm_tdx->td, gpa, level, entry, state);
            }
            """,
            swap(
                TDX,
                REMOVE,
                f"{BLOCK_CALL} &entry, &level_state)",
                "tdx_block_leaf(kvm, gpa, level, &entry, &level_state)",
            ),
        ),
    ),
    Case(
        "BLOCK where the entry is writable",
        ORDER,
        (
            swap(
                TDX,
                REMOVE,
                f"err = {BLOCK_CALL}",
                f"err = 0;\n\tif (is_writable_pte(old_spte))\n\t\terr = {BLOCK_CALL}",
            ),
        ),
        (AT_REMOVE,),
        (REMOVE,),
        (
            swap(
                TDX,
                REMOVE,
                f"err = {BLOCK_CALL}",
                f"if (!is_writable_pte(old_spte))\n\t\treturn -EIO;\n\terr = {BLOCK_CALL}",
            ),
        ),
    ),
    Case(
        "a return while the entry is blocked",
        ORDER,
        behind_track("if (signal_pending(current))\n\t\treturn -EINTR;"),
        (At(TDX, REMOVE, "return -EINTR"),),
        (REMOVE,),
        behind_track("if (KVM_BUG_ON(signal_pending(current), kvm))\n\t\treturn -EINTR;"),
    ),
    Case(
        "a failed REMOVE does not bug the VM",
        ORDER,
        (swap(TDX, REMOVE, REMOVE_TEST, "if (err)\n\t\treturn -EIO;"),),
        (At(TDX, REMOVE, "return -EIO"),),
        (REMOVE,),
        (swap(TDX, REMOVE, REMOVE_TEST, "if (err) {\n\t\tkvm_vm_bugged(kvm);\n\t\treturn -EIO;\n\t}"),),
    ),
    Case(
        "no flush",
        ORDER,
        (drop(TDX, REMOVE, FLUSH), drop(TDX, REMOVE, FLUSH_TEST)),
        (AT_REMOVE,),
        (REMOVE,),
        helper(
            """
            static int tdx_flush_leaf(struct kvm *kvm, kvm_pfn_t pfn)
            {
                    struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
                    u64 err = tdh_phymem_page_wbinvd_hkid((u16)kvm_tdx->hkid, pfn);

                    return TDX_BUG_ON(err, TDH_PHYMEM_PAGE_WBINVD, kvm) ? -EIO : 0;
            }
            """,
            drop(TDX, REMOVE, FLUSH),
            swap(TDX, REMOVE, FLUSH_TEST, "if (tdx_flush_leaf(kvm, pfn))\n\t\treturn -EIO;"),
        ),
    ),
    Case(
        "no reset",
        ORDER,
        (drop(TDX, REMOVE, RESET),),
        (AT_REMOVE,),
        (REMOVE,),
        helper(
            """
            static void tdx_reset_leaf(kvm_pfn_t pfn, enum pg_level level)
            {
                    tdx_quirk_reset_paddr(PFN_PHYS(pfn), KVM_HPAGE_SIZE(level));
            }
            """,
            swap(TDX, REMOVE, RESET, "tdx_reset_leaf(pfn, level);"),
        ),
    ),
    Case(
        "reset before flush",
        ORDER,
        (drop(TDX, REMOVE, RESET), swap(TDX, REMOVE, FLUSH, f"{RESET}\n\t{FLUSH}")),
        (AT_REMOVE,),
        (REMOVE,),
        (swap(TDX, REMOVE, FLUSH, f"smp_mb();\n\t{FLUSH}"),),
    ),
    Case(
        "a return before the reset",
        ORDER,
        (swap(TDX, REMOVE, RESET, f"if (level == PG_LEVEL_4K)\n\t\treturn 0;\n\t{RESET}"),),
        (AT_REMOVE,),
        (REMOVE,),
        (swap(TDX, REMOVE, f"{RESET}\n\treturn 0;", f"{RESET}\n\treturn level == PG_LEVEL_4K ? 0 : 0;"),),
    ),
    Case(
        "REMOVE of another level",
        ORDER,
        (swap(TDX, REMOVE, REMOVE_CALL, REMOVE_CALL.replace(" level,", " PG_LEVEL_2M,")),),
        (AT_REMOVE,),
        (REMOVE,),
        (swap(TDX, REMOVE, REMOVE_CALL, REMOVE_CALL.replace(" level,", " PG_LEVEL_4K,")),),
    ),
    Case(
        "REMOVE of the next level",
        ORDER,
        (swap(TDX, REMOVE, REMOVE_CALL, REMOVE_CALL.replace(" level,", " level + 1,")),),
        (AT_REMOVE,),
        (REMOVE,),
        (
            swap(TDX, REMOVE, REMOVE_CALL, REMOVE_CALL.replace(" level,", " size,")),
            swap(
                TDX,
                REMOVE,
                "u64 err, entry, level_state;",
                "enum pg_level size = level;\n\tu64 err, entry, level_state;",
            ),
        ),
    ),
    Case(
        "REMOVE of another address",
        ORDER,
        (swap(TDX, REMOVE, REMOVE_CALL, REMOVE_CALL.replace(" gpa,", " gpa + PAGE_SIZE,")),),
        (AT_REMOVE,),
        (REMOVE,),
        (swap(TDX, REMOVE, REMOVE_CALL, REMOVE_CALL.replace(" gpa,", " gfn_to_gpa(gfn),")),),
    ),
    Case("DEMOTE without TRACK", ORDER, demotes("cond_resched();"), (DEMOTE,), ("tdx_demote_leaf",), demotes(TRACKS)),
    Case(
        "DEMOTE with TRACK but no kick",
        ORDER,
        demotes("TDX_BUG_ON(tdh_do_no_vcpus(tdh_mem_track, kvm, &kvm_tdx->td), TDH_MEM_TRACK, kvm);"),
        (DEMOTE,),
        ("tdx_demote_leaf",),
        demotes(f"TDX_BUG_ON(tdh_do_no_vcpus(tdh_mem_track, kvm, &kvm_tdx->td), TDH_MEM_TRACK, kvm);\n\t{KICK}"),
    ),
    Case(
        "DEMOTE of another level",
        ORDER,
        demotes(TRACKS, "PG_LEVEL_1G"),
        (DEMOTE,),
        ("tdx_demote_leaf",),
        demotes(TRACKS, "(enum pg_level)level"),
    ),
)
