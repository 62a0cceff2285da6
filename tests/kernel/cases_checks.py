"""Rule 26: a SEAMCALL wrapper turns a caller's bug into an error code without a word."""

from __future__ import annotations

from tests.kernel.edits import At, Case, Edit, before, swap
from tests.kernel.places import CHECKS, TDX, TDX_H, WRAPPERS

BLOCK, AUG, TRACK, RECLAIM = "tdh_mem_range_block", "tdh_mem_page_aug", "tdh_mem_track", "tdh_phymem_page_reclaim"
START = "u64 ret;\n"
BLOCKED = "ret = seamcall_ret(TDH_MEM_RANGE_BLOCK, &args);"
TRACKED = "return seamcall(TDH_MEM_TRACK, &args);"
RECLAIMED = "ret = seamcall_ret(TDH_PHYMEM_PAGE_RECLAIM, &args);"


def early(text: str) -> tuple[Edit, ...]:
    """A check in front of BLOCK."""
    return (swap(WRAPPERS, BLOCK, BLOCKED, f"{text}\n\n\t{BLOCKED}"),)


def early_in(function: str, call: str, text: str) -> tuple[Edit, ...]:
    return (swap(WRAPPERS, function, call, f"{text}\n\t{call}"),)


def helper(test: str, text: str) -> tuple[Edit, ...]:
    return (
        before(
            WRAPPERS, BLOCK, f"static u64 tdx_check_gpa(u64 gpa, enum pg_level level)\n{{\n\t{test}\n\treturn 0;\n}}\n"
        ),
        *early(text),
    )


HELPED = "ret = tdx_check_gpa(gpa, level);\n\tif (ret)\n\t\treturn ret;"
INVALID = "return TDX_OPERAND_INVALID;"

CASES = (
    Case(
        "TDX_OPERAND_INVALID for a bad level",
        CHECKS,
        early(f"if (level > PG_LEVEL_2M)\n\t\t{INVALID}"),
        (At(WRAPPERS, BLOCK, INVALID),),
        (BLOCK,),
        early(f"if (WARN_ON_ONCE(level > PG_LEVEL_2M))\n\t\t{INVALID}"),
    ),
    Case(
        "with the operand",
        CHECKS,
        early("if (!IS_ALIGNED(gpa, PAGE_SIZE))\n\t\treturn TDX_OPERAND_INVALID | TDX_OPERAND_ID_RCX;"),
        (At(WRAPPERS, BLOCK, "TDX_OPERAND_INVALID"),),
        (BLOCK,),
        early("if (WARN_ON_ONCE(!IS_ALIGNED(gpa, PAGE_SIZE)))\n\t\treturn TDX_OPERAND_INVALID | TDX_OPERAND_ID_RCX;"),
    ),
    Case(
        "TDX_SW_ERROR through a goto",
        CHECKS,
        (
            swap(WRAPPERS, BLOCK, START, "u64 ret = TDX_SW_ERROR;\n"),
            *early("if (gpa & level)\n\t\tgoto out;"),
            swap(WRAPPERS, BLOCK, "return ret;", "out:\n\treturn ret;"),
        ),
        (At(WRAPPERS, BLOCK, "return ret;"),),
        (BLOCK,),
        (
            swap(WRAPPERS, BLOCK, START, "u64 ret = TDX_SW_ERROR;\n"),
            *early("if (WARN_ON(gpa & level))\n\t\tgoto out;"),
            swap(WRAPPERS, BLOCK, "return ret;", "out:\n\treturn ret;"),
        ),
    ),
    Case(
        "the inverted if around the SEAMCALL",
        CHECKS,
        (swap(WRAPPERS, BLOCK, BLOCKED, f"if (level <= PG_LEVEL_1G)\n\t\t{BLOCKED}\n\telse\n\t\tret = TDX_SW_ERROR;"),),
        (At(WRAPPERS, BLOCK, "return ret;"),),
        (BLOCK,),
        (
            swap(
                WRAPPERS,
                BLOCK,
                BLOCKED,
                f"if (!WARN_ON_ONCE(level > PG_LEVEL_1G))\n\t\t{BLOCKED}\n\telse\n\t\tret = TDX_SW_ERROR;",
            ),
        ),
    ),
    Case(
        "the conditional operator",
        CHECKS,
        (swap(WRAPPERS, TRACK, TRACKED, "return td->tdr_page ? seamcall(TDH_MEM_TRACK, &args) : TDX_SW_ERROR;"),),
        (At(WRAPPERS, TRACK, "TDX_SW_ERROR"),),
        (TRACK,),
        (
            swap(
                WRAPPERS,
                TRACK,
                TRACKED,
                "return WARN_ON_ONCE(!td->tdr_page) ? TDX_SW_ERROR : seamcall(TDH_MEM_TRACK, &args);",
            ),
        ),
    ),
    Case(
        "a switch",
        CHECKS,
        early(
            f"switch (level) {{\n\tcase PG_LEVEL_4K:\n\tcase PG_LEVEL_2M:\n\t\tbreak;\n\tdefault:\n\t\t{INVALID}\n\t}}"
        ),
        (At(WRAPPERS, BLOCK, INVALID),),
        (BLOCK,),
        early(
            "switch (level) {\n\tcase PG_LEVEL_4K:\n\tcase PG_LEVEL_2M:\n\t\tbreak;\n"
            f"\tdefault:\n\t\tWARN_ON_ONCE(1);\n\t\t{INVALID}\n\t}}"
        ),
    ),
    Case(
        "a log line is no warning",
        CHECKS,
        early(f'if (level > PG_LEVEL_2M) {{\n\t\tpr_err("bad level\\n");\n\t\t{INVALID}\n\t}}'),
        (At(WRAPPERS, BLOCK, INVALID),),
        (BLOCK,),
        early(f'if (level > PG_LEVEL_2M) {{\n\t\tWARN_ONCE(1, "bad level\\n");\n\t\t{INVALID}\n\t}}'),
    ),
    Case(
        "one of two checks",
        CHECKS,
        early(f"if (WARN_ON_ONCE(level > PG_LEVEL_2M) || !gpa)\n\t\t{INVALID}"),
        (At(WRAPPERS, BLOCK, INVALID),),
        (BLOCK,),
        early(f"if (WARN_ON_ONCE(level > PG_LEVEL_2M || !gpa))\n\t\t{INVALID}"),
    ),
    Case(
        "about the page",
        CHECKS,
        early_in(RECLAIM, RECLAIMED, f"if (PageCompound(page))\n\t\t{INVALID}\n"),
        (At(WRAPPERS, RECLAIM, INVALID),),
        (RECLAIM,),
        early_in(RECLAIM, RECLAIMED, "VM_WARN_ON_ONCE(PageCompound(page));\n"),
    ),
    Case(
        "a check in a helper",
        CHECKS,
        helper(f"if (gpa & (level - 1))\n\t\t{INVALID}", HELPED),
        (At(WRAPPERS, "tdx_check_gpa", INVALID),),
        (BLOCK, "tdx_check_gpa"),
        helper(f"if (WARN_ON_ONCE(gpa & (level - 1)))\n\t\t{INVALID}", HELPED),
    ),
    Case(
        "a check in a macro",
        CHECKS,
        (
            before(WRAPPERS, BLOCK, f"#define tdx_require(cond)\tdo {{ if (!(cond)) {INVALID} }} while (0)\n"),
            *early("tdx_require(level < PG_LEVEL_1G);"),
        ),
        (At(WRAPPERS, BLOCK, "tdx_require"),),
        (BLOCK,),
        (
            before(WRAPPERS, BLOCK, f"#define tdx_require(cond)\tdo {{ if (WARN_ON(!(cond))) {INVALID} }} while (0)\n"),
            *early("tdx_require(level < PG_LEVEL_1G);"),
        ),
    ),
    Case(
        "a wrapper in the header",
        CHECKS,
        (
            Edit(
                TDX_H,
                "u64 tdh_mem_track(struct tdx_td *tdr);",
                "u64 tdh_mem_track(struct tdx_td *tdr);\n"
                "static inline u64 tdh_mem_track_once(struct tdx_td *td, bool idle)\n"
                "{\n\tif (idle)\n\t\treturn TDX_SW_ERROR;\n\treturn tdh_mem_track(td);\n}",
            ),
        ),
        (At(TDX_H, "tdh_mem_track_once", "return TDX_SW_ERROR"),),
        ("tdh_mem_track_once",),
        (
            Edit(
                TDX_H,
                "u64 tdh_mem_track(struct tdx_td *tdr);",
                "u64 tdh_mem_track(struct tdx_td *tdr);\n"
                "static inline u64 tdh_mem_track_once(struct tdx_td *td, bool idle)\n"
                "{\n\tif (WARN_ON_ONCE(idle))\n\t\treturn TDX_SW_ERROR;\n\treturn tdh_mem_track(td);\n}",
            ),
        ),
    ),
    Case(
        "a wrapper in KVM",
        CHECKS,
        (
            before(
                TDX,
                "tdx_track",
                "static u64 tdh_mem_track_td(struct kvm_tdx *tdx)\n{\n\tif (!is_hkid_assigned(tdx))\n"
                "\t\treturn TDX_SW_ERROR;\n\treturn tdh_mem_track(&tdx->td);\n}\n",
            ),
        ),
        (At(TDX, "tdh_mem_track_td", "return TDX_SW_ERROR"),),
        ("tdh_mem_track_td",),
        (
            before(
                TDX,
                "tdx_track",
                "static u64 tdh_mem_track_td(struct kvm_tdx *tdx)\n{\n"
                "\tif (KVM_BUG_ON(!is_hkid_assigned(tdx), &tdx->kvm))\n\t\treturn TDX_SW_ERROR;\n"
                "\tguard(write_lock)(&tdx->kvm.mmu_lock);\n\treturn tdh_mem_track(&tdx->td);\n}\n",
            ),
        ),
    ),
)
