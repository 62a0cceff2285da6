"""Rule 7: the result of an operation on the external page table is dropped."""

from __future__ import annotations

from tests.kernel.edits import At, Case, Edit, before, swap
from tests.kernel.places import RESULTS, TDP, TDX

CHANGED, WRAP, REMOVE, TRACK = (
    "__handle_changed_spte",
    "handle_changed_spte",
    "tdx_sept_remove_leaf_spte",
    "tdx_track",
)
AUG = "tdx_mem_page_aug"
AUG_TEST = "if (TDX_BUG_ON_2(err, TDH_MEM_PAGE_AUG, entry, level_state, kvm))\n\t\treturn -EIO;"
OP_FULL = "r = kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level);"
CALL = OP_FULL[4:-1]
TEST = "if (r)\n\t\t\treturn r;"
AT_OP = (At(TDP, CHANGED, "kvm_x86_call(set_external_spte)"),)
BUGGED = "KVM_BUG_ON(__handle_changed_spte(kvm, sp, gfn, old_spte, new_spte,\n\t\t\t\t\t level, shared), kvm);"
INNER = "__handle_changed_spte(kvm, sp, gfn, old_spte, new_spte, level, shared)"
FLUSH = "err = tdh_phymem_page_wbinvd_hkid((u16)kvm_tdx->hkid, pfn);"
FLUSH_CALL = FLUSH[6:-1]
FLUSH_TEST = "if (TDX_BUG_ON(err, TDH_PHYMEM_PAGE_WBINVD, kvm))\n\t\treturn -EIO;"
AT_FLUSH = (At(TDX, REMOVE, "tdh_phymem_page_wbinvd_hkid"),)
TRACK_TEST = "TDX_BUG_ON(err, TDH_MEM_TRACK, kvm);"
BLOCK_TEST = "if (TDX_BUG_ON_2(err, TDH_MEM_RANGE_BLOCK, entry, level_state, kvm))\n\t\treturn -EIO;"


def op(call: str, test: str = TEST) -> tuple[Edit, ...]:
    """The call of the op and the test of its result in other words."""
    edits = (swap(TDP, CHANGED, TEST, test),) if test != TEST else ()
    return (*edits, *((swap(TDP, CHANGED, OP_FULL, call),) if call != OP_FULL else ()))


def tested(text: str) -> tuple[Edit, ...]:
    return op(OP_FULL, text)


def flush(call: str, test: str) -> tuple[Edit, ...]:
    return (swap(TDX, REMOVE, FLUSH_TEST, test), *((swap(TDX, REMOVE, FLUSH, call),) if call != FLUSH else ()))


def wrapper(use: str) -> tuple[Edit, ...]:
    """A helper returns the result of the op."""
    return (
        before(
            TDP,
            CHANGED,
            f"""
            static int tdp_mmu_update_external(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, int level)
            {{
                    int ret = {CALL};

                    return ret;
            }}
            """,
        ),
        *op(use, ""),
    )


HELPED = "tdp_mmu_update_external(kvm, gfn, old_spte, new_spte, level)"

CASES = (
    Case(
        "thrown away", RESULTS, op(f"{CALL};", "r = 0;"), AT_OP, (CHANGED,), op(f"KVM_BUG_ON({CALL}, kvm);", "r = 0;")
    ),
    Case(
        "cast to void",
        RESULTS,
        op(f"(void){CALL};", "r = 0;"),
        AT_OP,
        (CHANGED,),
        op(f"if ({CALL})\n\t\t\treturn -EIO;", "r = 0;"),
    ),
    Case("stored and never looked at", RESULTS, tested(""), AT_OP, (CHANGED,), tested("if (r != 0)\n\t\t\treturn r;")),
    Case(
        "overwritten",
        RESULTS,
        tested("r = 0;\n\t\tif (r)\n\t\t\treturn r;"),
        AT_OP,
        (CHANGED,),
        tested("if (!r)\n\t\t\tr = 0;\n\t\tif (r)\n\t\t\treturn r;"),
    ),
    Case(
        "only logged",
        RESULTS,
        tested('if (r)\n\t\t\tpr_err("external update failed: %d\\n", r);'),
        AT_OP,
        (CHANGED,),
        tested('if (r) {\n\t\t\tpr_err("external update failed: %d\\n", r);\n\t\t\treturn r;\n\t\t}'),
    ),
    Case(
        "only traced",
        RESULTS,
        op(f'if ({CALL})\n\t\t\tpr_warn_once("external update failed\\n");', "r = 0;"),
        AT_OP,
        (CHANGED,),
        op(f'if (KVM_BUG_ON({CALL}, kvm))\n\t\t\tpr_warn_once("external update failed\\n");', "r = 0;"),
    ),
    Case(
        "returned for small leafs only",
        RESULTS,
        tested("if (level == PG_LEVEL_4K)\n\t\t\treturn r;"),
        AT_OP,
        (CHANGED,),
        tested("if (r && level == PG_LEVEL_4K)\n\t\t\treturn r;\n\t\tif (r)\n\t\t\treturn -EIO;"),
    ),
    Case(
        "tested, and success returned",
        RESULTS,
        tested("if (r)\n\t\t\treturn 0;"),
        AT_OP,
        (CHANGED,),
        tested("if (r)\n\t\t\treturn -EIO;"),
    ),
    Case(
        "the result of a helper of the op",
        RESULTS,
        wrapper(f"{HELPED};\n\t\tr = 0;"),
        (At(TDP, CHANGED, "tdp_mmu_update_external"),),
        (CHANGED, "tdp_mmu_update_external"),
        wrapper(f"r = {HELPED};\n\t\tif (r)\n\t\t\treturn r;"),
    ),
    Case(
        "the exclusive path forgets it",
        RESULTS,
        (swap(TDP, WRAP, BUGGED, f"{INNER};"),),
        (At(TDP, WRAP, "__handle_changed_spte("),),
        (WRAP, CHANGED),
        (swap(TDP, WRAP, BUGGED, f"if ({INNER})\n\t\tkvm_vm_bugged(kvm);"),),
    ),
    Case(
        "the exclusive path warns",
        RESULTS,
        (swap(TDP, WRAP, BUGGED, f'if ({INNER})\n\t\tpr_warn("lost\\n");'),),
        (At(TDP, WRAP, "__handle_changed_spte("),),
        (WRAP, CHANGED),
        (swap(TDP, WRAP, BUGGED, f'if ({INNER}) {{\n\t\tpr_warn("lost\\n");\n\t\tkvm_vm_bugged(kvm);\n\t}}'),),
    ),
    Case(
        "a SEAMCALL thrown away",
        RESULTS,
        flush(f"{FLUSH_CALL};", ""),
        AT_FLUSH,
        (REMOVE,),
        flush("", f"if (TDX_BUG_ON({FLUSH_CALL}, TDH_PHYMEM_PAGE_WBINVD, kvm))\n\t\treturn -EIO;"),
    ),
    Case(
        "a SEAMCALL stored and never looked at",
        RESULTS,
        flush(FLUSH, ""),
        AT_FLUSH,
        (REMOVE,),
        flush(FLUSH, "if (KVM_BUG_ON(err, kvm))\n\t\treturn -EIO;"),
    ),
    Case(
        "a SEAMCALL only logged",
        RESULTS,
        flush(FLUSH, 'if (err)\n\t\tpr_err("flush failed: %llx\\n", err);'),
        AT_FLUSH,
        (REMOVE,),
        flush(
            FLUSH,
            'if (err) {\n\t\tpr_err("flush failed: %llx\\n", err);\n\t\tkvm_vm_bugged(kvm);\n\t\treturn -EIO;\n\t}',
        ),
    ),
    Case(
        "TRACK is not looked at",
        RESULTS,
        (swap(TDX, TRACK, TRACK_TEST, ""),),
        (At(TDX, TRACK, "tdh_do_no_vcpus"),),
        (TRACK,),
        (swap(TDX, TRACK, TRACK_TEST, "KVM_BUG_ON(err, kvm);"),),
    ),
    Case(
        "BLOCK is overwritten by REMOVE",
        RESULTS,
        (swap(TDX, REMOVE, BLOCK_TEST, ""),),
        (At(TDX, REMOVE, "tdh_do_no_vcpus(tdh_mem_range_block"),),
        (REMOVE,),
        (swap(TDX, REMOVE, BLOCK_TEST, BLOCK_TEST.replace("if (TDX", "if (unlikely(err) && TDX")),),
    ),
    Case(
        "AUG is looked at for busy only",
        RESULTS,
        (swap(TDX, AUG, AUG_TEST, "WARN_ON_ONCE(entry);"),),
        (At(TDX, AUG, "tdh_mem_page_aug"),),
        (AUG,),
        (swap(TDX, AUG, AUG_TEST, "WARN_ON_ONCE(entry);\n\tif (err)\n\t\treturn -EIO;"),),
    ),
    Case(
        "a failed AUG is success",
        RESULTS,
        (swap(TDX, AUG, AUG_TEST, "if (err)\n\t\treturn 0;"),),
        (At(TDX, AUG, "tdh_mem_page_aug"),),
        (AUG,),
        (swap(TDX, AUG, AUG_TEST, "if (err)\n\t\treturn -EIO;"),),
    ),
)
