"""Edits of the real kernel, one field of the Protocol each: its base layer."""

from __future__ import annotations

from tests.kernel.edits import before, drop, swap
from tests.kernel.places import GMEM, MAIN, MMU, TDP, TDX
from tests.mutants.fields import KICK, REMOVE, FieldEdit, anywhere, real

PRE, POST = "\tkvm_handle_gfn_range(kvm, &pre_set_range);\n", "\tkvm_handle_gfn_range(kvm, &post_set_range);\n"
PUNCH = "kvm_gmem_punch_hole"
HOLE = "\ttruncate_inode_pages_range(inode->i_mapping, offset, offset + len - 1);\n"
HOLE_START = "\tkvm_gmem_invalidate_start(inode, start, end);\n"
STALE = "\tif (is_page_fault_stale(vcpu, fault))\n\t\tgoto out_unlock;\n"
REAL_MACRO = "\t\tWRITE_ONCE(__kvm_tdx->wait_for_sept_zap, {});"
BUSY = "\tif (unlikely(tdx_operand_busy(vp_enter_ret)))\n\t\treturn EXIT_FASTPATH_EXIT_HANDLED;\n"
STORE = (
    "\tfor (i = start; i < end; i++) {\n"
    "\t\tr = xa_err(xa_store(&kvm->mem_attr_array, i, entry,\n"
    "\t\t\t\t    GFP_KERNEL_ACCOUNT));\n"
    "\t\tKVM_BUG_ON(r, kvm);\n"
    "\t\tcond_resched();\n"
    "\t}\n"
    "\n"
)
RETRY = "mmu_invalidate_retry_gfn(vcpu->kvm, fault->mmu_seq, fault->gfn)"
SET, HANDLE = "tdp_mmu_set_spte_atomic", "kvm_handle_gfn_range"

ZAP_ONLY = (
    "static void kvm_gmem_zap_only(struct inode *inode, pgoff_t start, pgoff_t end)\n"
    "{\n"
    "\tstruct gmem_file *f;\n"
    "\n"
    "\tkvm_gmem_for_each_file(f, inode) {\n"
    "\t\tstruct kvm_gfn_range range = { .start = start, .end = end };\n"
    "\n"
    "\t\tKVM_MMU_LOCK(f->kvm);\n"
    "\t\tkvm_unmap_gfn_range(f->kvm, &range);\n"
    "\t\tKVM_MMU_UNLOCK(f->kvm);\n"
    "\t}\n"
    "}\n"
)

KERNEL: tuple[FieldEdit, ...] = (
    real(
        "block",
        "none",
        swap(
            TDX,
            REMOVE,
            "\terr = tdh_do_no_vcpus(tdh_mem_range_block, kvm, &kvm_tdx->td, gpa,",
            "\terr = tdh_phymem_cache_wb(true); (void)(gpa,",
        ),
    ),
    real("track", "none", drop(TDX, REMOVE, "\ttdx_track(kvm);\n"), also="kick"),
    real(
        "track",
        "none",
        swap(TDX, REMOVE, "\ttdx_track(kvm);\n", "\tif (kvm->nr_memslots_dirty_logging)\n\t\ttdx_track(kvm);\n"),
    ),
    real("kick", "none", drop(TDX, "tdx_track", KICK)),
    real("no_vcpu_window", "kick-only", anywhere(TDX, REAL_MACRO.format("true") + "\t\t\t\\\n", "")),
    real("no_vcpu_window", "flag-left", anywhere(TDX, REAL_MACRO.format("false") + "\t\t\\\n", "")),
    real(
        "busy_entry",
        "spins",
        swap(TDX, "tdx_exit_handlers_fastpath", BUSY, BUSY.replace("EXIT_HANDLED", "REENTER_GUEST")),
    ),
    real(
        "busy_entry",
        "spins",
        swap(TDX, "tdx_vcpu_run", "\t\treturn EXIT_FASTPATH_EXIT_HANDLED;\n", "\t\tcpu_relax();\n"),
    ),
    real("stale_check", "none", drop(MMU, "kvm_tdp_mmu_page_fault", STALE), also="pfnmap_retry"),
    real(
        "stale_check",
        "none",
        swap(
            MMU,
            "is_page_fault_stale",
            f"return fault->slot &&\n\t       {RETRY};",
            f"return fault->slot && !fault->is_private && {RETRY};",
        ),
    ),
    real(
        "pfnmap_retry",
        "none",
        swap(
            MMU,
            "is_page_fault_stale",
            f"return fault->slot &&\n\t       {RETRY};",
            f"return fault->slot && fault->is_private && {RETRY};",
        ),
        also="stale_check",
    ),
    real(
        "unlock",
        "not-on-error",
        swap(
            MMU,
            "kvm_tdp_mmu_page_fault",
            "\tr = kvm_tdp_mmu_map(vcpu, fault);\n",
            "\tr = kvm_tdp_mmu_map(vcpu, fault);\n\tif (r == RET_PF_RETRY)\n\t\treturn r;\n",
        ),
    ),
    real(
        "freeze",
        "none",
        swap(
            TDP,
            SET,
            "ret = __tdp_mmu_set_spte_atomic(kvm, iter, FROZEN_SPTE);",
            "ret = __tdp_mmu_set_spte_atomic(kvm, iter, iter->old_spte);",
        ),
        also="freeze_rollback",
    ),
    real(
        "freeze_rollback",
        "none",
        swap(
            TDP,
            SET,
            "\t\tif (ret)\n\t\t\t__kvm_tdp_mmu_write_spte(iter->sptep, iter->old_spte);\n\t\telse\n",
            "\t\tif (!ret)\n",
        ),
    ),
    real(
        "invalidate_begin",
        "after-zap",
        drop(GMEM, PUNCH, HOLE_START),
        swap(GMEM, PUNCH, HOLE, f"\tkvm_gmem_zap_only(inode, start, end);\n\n{HOLE_START}{HOLE}"),
        before(
            GMEM,
            PUNCH,
            ZAP_ONLY,
        ),
    ),
    real(
        "invalidate_end",
        "not-on-error",
        swap(GMEM, PUNCH, HOLE, f"{HOLE}\tif (signal_pending(current))\n\t\treturn -EINTR;\n"),
    ),
    real(
        "invalidate_end",
        "not-on-error",
        swap(MAIN, "kvm_vm_set_mem_attributes", "\t\tKVM_BUG_ON(r, kvm);\n", "\t\tif (r)\n\t\t\tgoto out_unlock;\n"),
    ),
    real(
        "attribute_store",
        "before-zap",
        drop(MAIN, "kvm_vm_set_mem_attributes", PRE),
        swap(MAIN, "kvm_vm_set_mem_attributes", POST, PRE + POST),
    ),
    real("truncate", "before-zap", drop(GMEM, PUNCH, HOLE), swap(GMEM, PUNCH, HOLE_START, HOLE + HOLE_START)),
    real(
        "sept_page_free",
        "with-last-leaf",
        swap(
            TDX, REMOVE, "\ttdx_quirk_reset_paddr(", "\ttdx_reclaim_page(pfn_to_page(pfn));\n\ttdx_quirk_reset_paddr("
        ),
    ),
    real(
        "pfnmap_notifier",
        "untied",
        anywhere(
            MAIN,
            "\t.invalidate_range_start\t= kvm_mmu_notifier_invalidate_range_start,\n"
            "\t.invalidate_range_end\t= kvm_mmu_notifier_invalidate_range_end,\n",
            "",
        ),
    ),
    real(
        "pfn_use",
        "page",
        swap(
            MAIN,
            "hva_to_pfn_remapped",
            "\t*p_pfn = kvm_resolve_pfn(kfp, NULL, &args, args.writable);\n",
            "\t*p_pfn = kvm_resolve_pfn(kfp, pfn_to_page(args.pfn), NULL, args.writable);\n",
        ),
    ),
)
