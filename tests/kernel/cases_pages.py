"""Rule 1: a struct page or folio made of a guest_memfd PFN."""

from __future__ import annotations

from tests.kernel.edits import At, Case, Edit, after_line, before, swap
from tests.kernel.places import HOST_H, MMU, MMU_H, OPS_H, PAGES, SEV, SPTE, TDP, TDX, TDX_H, WRAPPERS

REMOVE, MAP, FAULT = "tdx_sept_remove_leaf_spte", "tdx_sept_map_leaf_spte", "tdp_mmu_map_handle_target_level"
LEAF = "kvm_pfn_t pfn = spte_to_pfn(old_spte);"
STATE = "if (unlikely(kvm_tdx->state != TD_STATE_RUNNABLE))"
SPURIOUS = "if (new_spte == iter->old_spte)"
AUG = "err = tdh_mem_page_aug("
OP_LINE = "KVM_X86_OP_OPTIONAL(free_external_spt)"
OP_FIELD = "void (*free_external_spt)(struct kvm *kvm, struct kvm_mmu_page *sp);"
OP_STORE = "vt_x86_ops.free_external_spt = tdx_sept_free_private_spt;"


def prepend(path: str, function: str, anchor: str, text: str) -> Edit:
    return swap(path, function, anchor, f"{text}\n\t{anchor}")


def far(look: str) -> tuple[Edit, ...]:
    """The fault's PFN goes from tdp_mmu.c to mmu.c and from there to spte.c."""
    declared = "void kvm_mmu_hugepage_adjust(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault);"
    return (
        after_line(
            MMU_H,
            declared,
            """
            void kvm_mmu_note_fault(struct kvm *kvm, kvm_pfn_t pfn);
            bool kvm_mmu_backing_reserved(kvm_pfn_t pfn);""",
        ),
        before(SPTE, "__kvm_is_mmio_pfn", f"bool kvm_mmu_backing_reserved(kvm_pfn_t pfn)\n{{\n\t{look}\n}}\n"),
        before(
            MMU,
            "kvm_mmu_finish_page_fault",
            """
            void kvm_mmu_note_fault(struct kvm *kvm, kvm_pfn_t pfn)
            {
                    if (kvm_mmu_backing_reserved(pfn))
                            kvm_vm_dead(kvm);
            }
            """,
        ),
        prepend(TDP, FAULT, SPURIOUS, "kvm_mmu_note_fault(vcpu->kvm, fault->pfn);"),
    )


def retried(flush: str) -> tuple[Edit, ...]:
    """A helper of tdx.c is what tdh_do_no_vcpus() runs."""
    return (
        before(
            TDX,
            REMOVE,
            f"""
            static u64 tdx_remove_frame(struct tdx_td *td, u64 gpa, enum pg_level level, unsigned long frame,
                                        u64 *entry, u64 *level_state)
            {{
                    {flush};
                    return tdh_mem_page_remove(td, gpa, level, entry, level_state);
            }}
            """,
        ),
        swap(
            TDX,
            REMOVE,
            "tdh_do_no_vcpus(tdh_mem_page_remove, kvm, &kvm_tdx->td, gpa,\n\t\t\t      level,",
            "tdh_do_no_vcpus(tdx_remove_frame, kvm, &kvm_tdx->td, gpa, level, pfn,",
        ),
    )


def op(argument: str, body: str) -> tuple[Edit, ...]:
    """A new op of kvm_x86_ops, assigned when TDX is set up."""
    return (
        after_line(OPS_H, OP_LINE, "KVM_X86_OP_OPTIONAL(note_leaf)"),
        after_line(HOST_H, OP_FIELD, "        void (*note_leaf)(struct kvm *kvm, unsigned long frame);"),
        before(
            TDX,
            "tdx_sept_free_private_spt",
            f"static void tdx_note_leaf(struct kvm *kvm, unsigned long frame)\n{{\n\t{body}\n}}\n",
        ),
        swap(TDX, "tdx_hardware_setup", OP_STORE, f"{OP_STORE}\n\tvt_x86_ops.note_leaf = tdx_note_leaf;"),
        argument_of_op(argument),
    )


def argument_of_op(argument: str) -> Edit:
    if argument.startswith("fault"):
        return prepend(TDP, FAULT, SPURIOUS, f"kvm_x86_call(note_leaf)(vcpu->kvm, {argument});")
    anchor = "r = kvm_x86_call(set_external_spte)("
    return prepend(TDP, "__handle_changed_spte", anchor, f"kvm_x86_call(note_leaf)(kvm, {argument});")


def in_remove(text: str) -> tuple[Edit, ...]:
    return (prepend(TDX, REMOVE, "err = tdh_phymem_page_wbinvd_hkid(", text),)


def helper(function: str, text: str) -> Edit:
    return before(TDX, function, text)


def carried(field: str, value: str, use: str) -> tuple[Edit, ...]:
    """The value travels in a struct."""
    return (
        helper(
            MAP,
            f"""
            struct tdx_leaf_arg {{
                    {field};
                    enum pg_level level;
            }};

            static bool tdx_leaf_allowed(struct tdx_leaf_arg *arg)
            {{
                    return {use} && arg->level == PG_LEVEL_4K;
            }}
            """,
        ),
        swap(
            TDX,
            MAP,
            STATE,
            f"""{{
                struct tdx_leaf_arg leaf = {{ .{field.split()[-1].lstrip("*")} = {value}, .level = level }};

                if (KVM_BUG_ON(!tdx_leaf_allowed(&leaf), kvm))
                        return -EIO;
        }}
        {STATE}""",
        ),
    )


def out_parameter(kind: str, value: str, use: str) -> tuple[Edit, ...]:
    return (
        helper(
            REMOVE,
            f"""
            static void tdx_decode_leaf(u64 spte, {kind} *where)
            {{
                    *where = {value};
            }}
            """,
        ),
        *in_remove(f"{{\n\t\t{kind} where;\n\n\t\ttdx_decode_leaf(old_spte, &where);\n\t\t{use};\n\t}}"),
    )


def visited(argument: str) -> tuple[Edit, ...]:
    """A function that is handed to another and run there."""
    return (
        helper(
            MAP,
            """
            static int tdx_pin_frame(struct kvm *kvm, unsigned long frame)
            {
                    return get_page_unless_zero(pfn_to_page(frame)) ? 0 : -EIO;
            }

            static int tdx_for_frame(struct kvm *kvm, unsigned long frame, int (*visit)(struct kvm *, unsigned long))
            {
                    return visit(kvm, frame);
            }
            """,
        ),
        prepend(TDX, MAP, STATE, f"if (tdx_for_frame(kvm, {argument}, tdx_pin_frame))\n\t\treturn -EIO;"),
    )


CASES = (
    Case(
        "two helpers away in other files",
        PAGES,
        far("return PageReserved(pfn_to_page(pfn));"),
        (At(SPTE, "kvm_mmu_backing_reserved", "PageReserved(pfn_to_page(pfn))"),),
        (FAULT, "kvm_mmu_note_fault", "kvm_mmu_backing_reserved"),
        far("return pfn_valid(pfn) && PageReserved(pfn_to_page(pfn));"),
    ),
    Case(
        "through tdh_do_no_vcpus()",
        PAGES,
        retried("WARN_ON_ONCE(page_mapped(pfn_to_page(frame)))"),
        (At(TDX, "tdx_remove_frame", "pfn_to_page(frame)"),),
        (REMOVE, "tdx_remove_frame"),
        retried("WARN_ON_ONCE(!IS_ALIGNED(frame, KVM_PAGES_PER_HPAGE(level)))"),
    ),
    Case(
        "through an op, the PFN of a fault",
        PAGES,
        op("fault->pfn", "set_page_dirty(pfn_to_page(frame));"),
        (At(TDX, "tdx_note_leaf", "set_page_dirty"),),
        (FAULT, "tdx_note_leaf"),
        op("fault->gfn", "set_page_dirty(pfn_to_page(frame));"),
    ),
    Case(
        "through an op, the PFN of an SPTE",
        PAGES,
        op("spte_to_pfn(old_spte)", "get_page(pfn_to_page(frame));"),
        (At(TDX, "tdx_note_leaf", "get_page"),),
        ("__handle_changed_spte", "tdx_note_leaf"),
        op("spte_to_pfn(old_spte)", "tdx_quirk_reset_paddr(PFN_PHYS(frame), PAGE_SIZE);"),
    ),
    Case(
        "phys_to_page of the address",
        PAGES,
        (prepend(TDX, "tdx_mem_page_aug", AUG, "SetPagePrivate(phys_to_page(PFN_PHYS(pfn)));"),),
        (At(TDX, "tdx_mem_page_aug", "phys_to_page"),),
        ("tdx_mem_page_aug",),
        (prepend(TDX, "tdx_mem_page_aug", AUG, "clflush_cache_range(__va(PFN_PHYS(pfn)), PAGE_SIZE);"),),
    ),
    Case(
        "virt_to_page of the direct map",
        PAGES,
        in_remove("ClearPagePrivate(virt_to_page(__va(PFN_PHYS(pfn))));"),
        (At(TDX, REMOVE, "virt_to_page"),),
        (REMOVE,),
        in_remove("ClearPagePrivate(virt_to_page(kvm_tdx->td.tdcs_pages));"),
    ),
    Case(
        "the folio of the page of the PFN",
        PAGES,
        in_remove("folio_put(page_folio(pfn_to_page(pfn)));"),
        (At(TDX, REMOVE, "folio_put"),),
        (REMOVE,),
        in_remove("folio_put(page_folio(kvm_tdx->td.tdr_page));"),
    ),
    Case(
        "a field of a struct",
        PAGES,
        carried("unsigned long frame", "pfn", "folio_test_large(pfn_folio(arg->frame))"),
        (At(TDX, "tdx_leaf_allowed", "pfn_folio(arg->frame)"),),
        (MAP, "tdx_leaf_allowed"),
        carried("struct page *source", "kvm_tdx->page_add_src", "folio_test_large(page_folio(arg->source))"),
    ),
    Case(
        "an element of an array",
        PAGES,
        in_remove("{\n\t\tkvm_pfn_t list[2] = {};\n\n\t\tlist[0] = pfn;\n\t\tput_page(pfn_to_page(list[0]));\n\t}"),
        (At(TDX, REMOVE, "put_page"),),
        (REMOVE,),
        in_remove(
            "{\n\t\tstruct page *list[2] = {};\n\n\t\tlist[0] = kvm_tdx->td.tdr_page;\n\t\tput_page(list[0]);\n\t}"
        ),
    ),
    Case(
        "an out-parameter",
        PAGES,
        out_parameter("kvm_pfn_t", "spte_to_pfn(spte)", "put_page(pfn_to_page(where))"),
        (At(TDX, REMOVE, "put_page"),),
        ("tdx_decode_leaf", REMOVE),
        out_parameter("void *", "spte_to_child_sp(spte)->external_spt", "put_page(virt_to_page(where))"),
    ),
    Case(
        "the value a helper returns",
        PAGES,
        (
            helper(
                REMOVE,
                """
            static unsigned long tdx_leaf_frame(u64 spte, enum pg_level level)
            {
                    return spte_to_pfn(spte) & ~(KVM_PAGES_PER_HPAGE(level) - 1);
            }
            """,
            ),
            *in_remove("put_page(pfn_to_page(tdx_leaf_frame(old_spte, level)));"),
        ),
        (At(TDX, REMOVE, "put_page"),),
        ("tdx_leaf_frame", REMOVE),
        (
            helper(
                REMOVE,
                """
            static struct page *tdx_leaf_frame(u64 spte, enum pg_level level)
            {
                    return virt_to_page(spte_to_child_sp(spte)->external_spt);
            }
            """,
            ),
            *in_remove("put_page(tdx_leaf_frame(old_spte, level));"),
        ),
    ),
    Case(
        "a macro",
        PAGES,
        (
            helper(REMOVE, "#define tdx_leaf_page(spte)\tpfn_to_page(spte_to_pfn(spte))\n"),
            *in_remove("put_page(tdx_leaf_page(old_spte));"),
        ),
        (At(TDX, REMOVE, "tdx_leaf_page(old_spte)"),),
        (REMOVE,),
        (
            helper(REMOVE, "#define tdx_leaf_page(spte)\tvirt_to_page(spte_to_child_sp(spte)->external_spt)\n"),
            *in_remove("put_page(tdx_leaf_page(old_spte));"),
        ),
    ),
    Case(
        "a callback of a helper",
        PAGES,
        visited("pfn"),
        (At(TDX, "tdx_pin_frame", "pfn_to_page(frame)"),),
        (MAP, "tdx_for_frame", "tdx_pin_frame"),
        visited("page_to_pfn(kvm_tdx->td.tdr_page)"),
    ),
    Case(
        "the callback that populates guest_memfd",
        PAGES,
        (prepend(TDX, "tdx_gmem_post_populate", "kvm_tdx->page_add_src = src_page;", "get_page(pfn_to_page(pfn));"),),
        (At(TDX, "tdx_gmem_post_populate", "get_page(pfn_to_page(pfn))"),),
        ("tdx_gmem_post_populate",),
        (prepend(TDX, "tdx_gmem_post_populate", "kvm_tdx->page_add_src = src_page;", "get_page(src_page);"),),
    ),
    Case(
        "kept in the VM and looked up later",
        PAGES,
        (
            swap(TDX, MAP, STATE, f"kvm_tdx->tsc_offset = pfn;\n\t{STATE}"),
            swap(
                TDX,
                "tdx_vm_destroy",
                "tdx_reclaim_td_control_pages(kvm);",
                "put_page(pfn_to_page(kvm_tdx->tsc_offset));\n\ttdx_reclaim_td_control_pages(kvm);",
            ),
        ),
        (At(TDX, "tdx_vm_destroy", "put_page"),),
        (MAP, "tdx_vm_destroy"),
        (
            swap(TDX, MAP, STATE, f"kvm_tdx->tsc_offset = pfn;\n\t{STATE}"),
            swap(
                TDX,
                "tdx_vm_destroy",
                "tdx_reclaim_td_control_pages(kvm);",
                "put_page(pfn_to_page(kvm_tdx->tsc_multiplier));\n\ttdx_reclaim_td_control_pages(kvm);",
            ),
        ),
    ),
    Case(
        "the PFN that guest_memfd gives",
        PAGES,
        (prepend(SEV, "sev_handle_rmp_fault", "ret = snp_rmptable_psmash(pfn);", "lock_page(pfn_to_page(pfn));"),),
        (At(SEV, "sev_handle_rmp_fault", "lock_page"),),
        ("sev_handle_rmp_fault",),
        (prepend(SEV, "sev_handle_rmp_fault", "ret = snp_rmptable_psmash(pfn);", "lock_page(page);"),),
    ),
    Case(
        "through a pointer to the variable",
        PAGES,
        in_remove("{\n\t\tkvm_pfn_t *where = &pfn;\n\n\t\tput_page(pfn_to_page(*where));\n\t}"),
        (At(TDX, REMOVE, "put_page"),),
        (REMOVE,),
        in_remove("{\n\t\tstruct page **where = &kvm_tdx->td.tdr_page;\n\n\t\tput_page(*where);\n\t}"),
    ),
    Case(
        "a SEAMCALL wrapper that takes a page",
        PAGES,
        (
            swap(WRAPPERS, "tdh_mem_page_aug", "kvm_pfn_t pfn,", "struct page *page,"),
            swap(WRAPPERS, "tdh_mem_page_aug", ".r8 = PFN_PHYS(pfn),", ".r8 = page_to_phys(page),"),
            swap(WRAPPERS, "tdh_mem_page_aug", "tdx_clflush_pfn(pfn);", "tdx_clflush_page(page);"),
            Edit(
                TDX_H,
                "u64 tdh_mem_page_aug(struct tdx_td *td, u64 gpa, enum pg_level level, kvm_pfn_t pfn,",
                "u64 tdh_mem_page_aug(struct tdx_td *td, u64 gpa, enum pg_level level, struct page *page,",
            ),
            swap(TDX, "tdx_mem_page_aug", "level, pfn, &entry", "level, pfn_to_page(pfn), &entry"),
        ),
        (
            At(TDX, "tdx_mem_page_aug", "pfn_to_page(pfn)"),
            At(TDX_H, "tdh_mem_page_aug", "tdh_mem_page_aug"),
            At(WRAPPERS, "tdh_mem_page_aug", "tdh_mem_page_aug"),
        ),
        ("tdx_mem_page_aug",),
        (
            swap(WRAPPERS, "tdh_mem_page_aug", "kvm_pfn_t pfn,", "kvm_pfn_t first,"),
            swap(WRAPPERS, "tdh_mem_page_aug", ".r8 = PFN_PHYS(pfn),", ".r8 = PFN_PHYS(first),"),
            swap(WRAPPERS, "tdh_mem_page_aug", "tdx_clflush_pfn(pfn);", "tdx_clflush_pfn(first);"),
        ),
    ),
)
