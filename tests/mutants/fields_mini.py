"""Edits of minikvm, one field of the Protocol each: all layers included."""

from __future__ import annotations

from tests.kernel.edits import drop, swap
from tests.kernel.places import GMEM, MAIN, MMU, TDP, TDX
from tests.mutants.fields import EXIT, KICK, REMOVE, SPLIT, FieldEdit, anywhere, mini
from tests.mutants.fields_pamt import SECTION, WRONG

BLOCK = (
    "\terr = tdh_do_no_vcpus(tdh_mem_range_block, kvm, &kvm_tdx->td, gpa, level,\n"
    "\t\t\t      &entry, &level_state);\n"
    "\tif (TDX_BUG_ON_2(err, TDH_MEM_RANGE_BLOCK, entry, level_state, kvm))\n"
    "\t\treturn -EIO;\n"
)
MACRO = "\t\tWRITE_ONCE(_kvm_tdx->wait_for_sept_zap, {});"
ATTRIBUTES = "\tstub_store_attributes(&kvm->mem_attr_array, start, end, attributes);\n\n"
TRUNCATE = (
    "\ttruncate_inode_pages_range(inode->i_mapping, (loff_t)start << PAGE_SHIFT,\n"
    "\t\t\t\t   ((loff_t)end << PAGE_SHIFT) - 1);\n"
)
UNMAP = "\tkvm_gmem_for_each_file(f, inode)\n\t\tkvm_gmem_unmap(f, start, end);\n"
START = "\tkvm_gmem_for_each_file(f, inode)\n\t\tkvm_gmem_invalidate_start(f, start, end);\n"
ROLLBACK = "__kvm_tdp_mmu_write_spte(iter->sptep, ret ? iter->old_spte : new_spte);"
OLD = "iter->old_spte"
GUARDED = "if (!KVM_BUG_ON(is_hkid_assigned(to_kvm_tdx(kvm)), kvm) &&\n	    !tdx_reclaim_page("
SPLIT_CALL = f"\tif (level == PG_LEVEL_4K) {{\n{SECTION}\t\tif (ret)\n\t\t\treturn ret;\n\t}}\n"
FIRST_EDGE = (
    "\tif (!IS_ALIGNED(start, KVM_PAGES_PER_HPAGE(PG_LEVEL_2M)))\n"
    "\t\tret = kvm_tdp_mmu_split_mirror_leaf(kvm, start);\n"
)
LAST_EDGE = (
    "\tif (!ret && !IS_ALIGNED(end, KVM_PAGES_PER_HPAGE(PG_LEVEL_2M)))\n"
    "\t\tret = kvm_tdp_mmu_split_mirror_leaf(kvm, end);\n"
)
SPURIOUS = swap(TDP, "tdp_mmu_map_leaf", " || (was_present && is_mirror_sp(sp))", "")

MINIKVM: tuple[FieldEdit, ...] = (
    mini("block", "none", drop(TDX, REMOVE, BLOCK)),
    mini("block", "none", drop(TDX, SPLIT, BLOCK), also="seamcall_level"),
    mini("track", "none", drop(TDX, REMOVE, "\ttdx_track(kvm);\n"), also="kick"),
    mini("track", "none", drop(TDX, SPLIT, "\ttdx_track(kvm);\n"), also="kick"),
    mini(
        "track",
        "none",
        swap(TDX, SPLIT, "\ttdx_track(kvm);\n", "\tif (level > PG_LEVEL_2M)\n\t\ttdx_track(kvm);\n"),
        also="kick",
    ),
    mini("kick", "none", drop(TDX, "tdx_track", KICK)),
    mini("kick", "none", swap(TDX, "tdx_track", KICK, "\tkvm_make_all_cpus_request(kvm, KVM_REQ_TLB_FLUSH);\n")),
    mini("no_vcpu_window", "kick-only", anywhere(TDX, MACRO.format("true") + "\t\t\t\\\n", "")),
    mini("no_vcpu_window", "flag-left", anywhere(TDX, MACRO.format("false") + "\t\t\t\\\n", "")),
    mini(
        "no_vcpu_window",
        "kick-only",
        swap(TDX, "tdx_handle_exit", "READ_ONCE(to_kvm_tdx(vcpu->kvm)->wait_for_sept_zap)", "vcpu->kvm->vm_dead"),
    ),
    mini(
        "retry_unit",
        "sequence",
        swap(
            TDX,
            "tdx_track",
            "\terr = tdh_do_no_vcpus(tdh_mem_track, kvm, &kvm_tdx->td);\n",
            "\terr = tdh_mem_track(&kvm_tdx->td);\n\tif (tdx_operand_busy(err)) {\n"
            "\t\tkvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);\n"
            "\t\terr = tdh_mem_range_block(&kvm_tdx->td, 0, PG_LEVEL_2M, NULL, NULL);\n"
            "\t\tif (!err)\n\t\t\terr = tdh_mem_track(&kvm_tdx->td);\n\t}\n",
        ),
        also="no_vcpu_window",
    ),
    mini(
        "stale_check",
        "none",
        swap(
            MMU,
            "kvm_tdp_mmu_page_fault",
            "is_page_fault_stale(vcpu, fault) ? RET_PF_RETRY :",
            "!fault->slot ? RET_PF_RETRY :",
        ),
    ),
    mini(
        "stale_check",
        "none",
        swap(
            MMU,
            "is_page_fault_stale",
            "return mmu_invalidate_retry_gfn(vcpu->kvm, fault->mmu_seq, fault->gfn);",
            "return false;",
        ),
    ),
    mini(
        "stale_check",
        "none",
        swap(
            MMU,
            "is_page_fault_stale",
            "return mmu_invalidate_retry_gfn(vcpu->kvm, fault->mmu_seq, fault->gfn);",
            "return !fault->is_private && mmu_invalidate_retry_gfn(vcpu->kvm, fault->mmu_seq, fault->gfn);",
        ),
    ),
    mini("stale_check", "none", drop(MMU, "kvm_mmu_faultin_pfn", "\tsmp_rmb();\n")),
    mini(
        "stale_check",
        "none",
        drop(MMU, "kvm_mmu_faultin_pfn", "\tfault->mmu_seq = READ_ONCE(kvm->mmu_invalidate_seq);\n\tsmp_rmb();\n"),
        swap(
            MMU,
            "kvm_tdp_mmu_page_fault",
            "\tscoped_guard(",
            "\tfault->mmu_seq = READ_ONCE(vcpu->kvm->mmu_invalidate_seq);\n\tsmp_rmb();\n\tscoped_guard(",
        ),
    ),
    mini(
        "unlock",
        "not-on-error",
        swap(
            MMU,
            "kvm_tdp_mmu_page_fault",
            "\tscoped_guard(read_lock, &vcpu->kvm->mmu_lock) {\n",
            "\tread_lock(&vcpu->kvm->mmu_lock);\n\t{\n",
        ),
        swap(
            MMU,
            "kvm_tdp_mmu_page_fault",
            "\t}\n\n\treturn r;\n",
            "\t}\n\tif (r < 0)\n\t\treturn r;\n\tread_unlock(&vcpu->kvm->mmu_lock);\n\n\treturn r;\n",
        ),
    ),
    mini(
        "freeze",
        "none",
        swap(TDP, "tdp_mmu_set_spte_atomic", "mirror ? FROZEN_SPTE : new_spte", "new_spte"),
        also="freeze_rollback",
    ),
    mini(
        "freeze_rollback",
        "none",
        swap(
            TDP,
            "tdp_mmu_set_spte_atomic",
            f"\tif (mirror)\n\t\t{ROLLBACK}\n",
            "\tif (mirror && ret)\n\t\treturn ret;\n"
            "\tif (mirror)\n\t\t__kvm_tdp_mmu_write_spte(iter->sptep, new_spte);\n",
        ),
    ),
    mini(
        "freeze_rollback",
        "always",
        swap(TDP, "tdp_mmu_set_spte_atomic", ROLLBACK, ROLLBACK.replace("ret ? iter->old_spte : new_spte", OLD)),
    ),
    mini(
        "freeze_rollback",
        "never",
        swap(TDP, "tdp_mmu_set_spte_atomic", ROLLBACK, ROLLBACK.replace("ret ? iter->old_spte : new_spte", "new_spte")),
    ),
    mini(
        "freeze_rollback",
        "never",
        swap(
            TDP, "tdp_mmu_set_spte_atomic", ROLLBACK, ROLLBACK.replace("ret ? iter->old_spte", "!ret ? iter->old_spte")
        ),
    ),
    mini(
        "invalidate_begin",
        "after-zap",
        swap(GMEM, "kvm_gmem_zap_range", START, ""),
        swap(GMEM, "kvm_gmem_zap_range", UNMAP, f"{UNMAP}\n{START}"),
    ),
    mini(
        "invalidate_begin",
        "end-of-section",
        drop(MAIN, "kvm_vm_set_mem_attributes", "\tkvm_mmu_invalidate_start(kvm);\n"),
        swap(MAIN, "kvm_vm_set_mem_attributes", "\tif (flush)\n", "\tkvm_mmu_invalidate_start(kvm);\n\tif (flush)\n"),
    ),
    mini(
        "invalidate_end",
        "not-on-error",
        swap(GMEM, "kvm_gmem_zap_range", "\t\tif (r)\n\t\t\tgoto out_end;\n", "\t\tif (r)\n\t\t\treturn r;\n"),
    ),
    mini(
        "invalidate_end",
        "not-on-error",
        swap(MAIN, "kvm_vm_set_mem_attributes", "\t\t\tgoto out_end;\n", "\t\t\tgoto out_unlock;\n"),
        swap(MAIN, "kvm_vm_set_mem_attributes", "\tKVM_MMU_UNLOCK(kvm);\n", "out_unlock:\n\tKVM_MMU_UNLOCK(kvm);\n"),
    ),
    mini(
        "attribute_store",
        "before-zap",
        drop(MAIN, "kvm_vm_set_mem_attributes", ATTRIBUTES),
        swap(
            MAIN,
            "kvm_vm_set_mem_attributes",
            "\tkvm_for_each_memslot(slot, kvm)\n\t\tflush |=",
            f"{ATTRIBUTES}\tkvm_for_each_memslot(slot, kvm)\n\t\tflush |=",
        ),
    ),
    mini(
        "truncate",
        "before-zap",
        drop(GMEM, "kvm_gmem_zap_range", TRUNCATE),
        swap(GMEM, "kvm_gmem_zap_range", UNMAP, f"{TRUNCATE}\n{UNMAP}"),
    ),
    mini(
        "zap_crossing",
        "whole-leaf",
        drop(MAIN, "kvm_vm_set_mem_attributes", "\t\tr = kvm_split_part(kvm, slot, start, end);\n"),
    ),
    mini("zap_crossing", "whole-leaf", drop(GMEM, "kvm_gmem_zap_range", "\t\tr = kvm_gmem_split(f, start, end);\n")),
    mini("zap_crossing", "whole-leaf", drop(TDP, "kvm_tdp_mmu_split_mirror_edges", LAST_EDGE)),
    mini("zap_crossing", "whole-leaf", drop(TDP, "kvm_tdp_mmu_split_mirror_edges", FIRST_EDGE)),
    mini(
        "zap_crossing",
        "whole-leaf",
        swap(MMU, "kvm_arch_split_private_range", "range->start, range->end)", "range->start, range->start + 1)"),
    ),
    mini(
        "split_errno",
        "bool",
        swap(
            MAIN,
            "kvm_vm_set_mem_attributes",
            "\t\tr = kvm_split_part(kvm, slot, start, end);\n\t\tif (r)\n\t\t\tgoto out_end;\n",
            "\t\tflush |= kvm_split_part(kvm, slot, start, end);\n",
        ),
    ),
    mini("split_errno", "bool", anywhere(GMEM, "static int kvm_gmem_split(", "static bool kvm_gmem_split(")),
    mini("split_errno", "bool", swap(GMEM, "kvm_gmem_split", "\tint r = 0;\n", "\tbool r = false;\n")),
    mini(
        "split_order",
        "folio-first",
        swap(
            GMEM,
            "kvm_gmem_zap_range",
            START,
            f"\tfolio_split(filemap_lock_folio(inode->i_mapping, start), 0, NULL, NULL);\n{START}",
        ),
    ),
    mini(
        "poison",
        "folio-only",
        swap(
            GMEM,
            "kvm_gmem_error_folio",
            "\t\tkvm_gmem_invalidate_start(f, start, end);\n"
            "\t\tkvm_gmem_unmap(f, start, end);\n\t\tkvm_gmem_invalidate_end(f);\n",
            "\t\tsplit_folio(folio);\n",
        ),
    ),
    mini(
        "demote_error",
        "dropped",
        swap(
            TDX,
            SPLIT,
            "\tif (TDX_BUG_ON_2(err, TDH_MEM_PAGE_DEMOTE, entry, level_state, kvm))\n\t\treturn -EIO;\n",
            '\tif (err)\n\t\tpr_err("demote failed\\n");\n',
        ),
    ),
    mini(
        "demote_error",
        "dropped",
        swap(TDX, SPLIT, "TDX_BUG_ON_2(err, TDH_MEM_PAGE_DEMOTE, entry, level_state, kvm)", "err"),
        swap(
            TDP,
            "handle_changed_spte",
            "\tKVM_BUG_ON(__handle_changed_spte(kvm, sp, gfn, old_spte, new_spte, level, shared), kvm);",
            '\tif (__handle_changed_spte(kvm, sp, gfn, old_spte, new_spte, level, shared))\n\t\tpr_err("lost\\n");',
        ),
    ),
    mini(
        "seamcall_level",
        "4k",
        swap(
            TDX,
            SPLIT,
            "tdh_mem_range_block, kvm, &kvm_tdx->td, gpa, level,",
            "tdh_mem_range_block, kvm, &kvm_tdx->td, gpa, PG_LEVEL_4K,",
        ),
    ),
    mini(
        "restartable",
        "error",
        swap(
            TDX,
            "tdx_gmem_max_mapping_level",
            "return tdx_supports_demote_nointerrupt(tdx_get_sysinfo()) ? PG_LEVEL_2M : PG_LEVEL_4K;",
            "return PG_LEVEL_2M;",
        ),
    ),
    mini(
        "promotion",
        "allowed",
        swap(
            TDP,
            "kvm_tdp_mmu_map",
            "if (!present || large || iter.level == PG_LEVEL_4K || !is_mirror_sp(root))",
            "if (!present || large || iter.level == PG_LEVEL_4K || fault->is_private)",
        ),
        SPURIOUS,
    ),
    mini(
        "promotion",
        "allowed",
        swap(
            TDP,
            "kvm_tdp_mmu_map",
            "if (!present || large || iter.level == PG_LEVEL_4K || !is_mirror_sp(root))\n\t\t\t\treturn",
            "if (iter.level)\n\t\t\t\treturn",
        ),
        SPURIOUS,
    ),
    mini(
        "accept_level",
        "ignored",
        drop(TDX, EXIT, SPLIT_CALL),
        drop(TDX, EXIT, "\tenum pg_level level;\n"),
        drop(TDX, EXIT, "\tlevel = tdx_ext_qual_to_accept_level(tdx->ext_exit_qualification);\n"),
        also="inhibit",
    ),
    *WRONG,
    mini(
        "sept_page_free",
        "before-hkid",
        swap(TDX, "tdx_sept_free_private_spt", GUARDED, "if (!tdx_reclaim_page("),
        swap(
            "arch/x86/kvm/x86.c",
            "kvm_arch_destroy_vm",
            "\tif (kvm_x86_ops.vm_pre_destroy)\n\t\tkvm_x86_call(vm_pre_destroy)(kvm);\n\n",
            "",
        ),
        swap(
            "arch/x86/kvm/x86.c",
            "kvm_arch_destroy_vm",
            "\tkvm_mmu_uninit_vm(kvm);\n",
            "\tkvm_mmu_uninit_vm(kvm);\n\n\tif (kvm_x86_ops.vm_pre_destroy)\n\t\tkvm_x86_call(vm_pre_destroy)(kvm);\n",
        ),
    ),
)
