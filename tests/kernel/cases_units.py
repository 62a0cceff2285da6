"""Rule 24: a 0-based level of the TDX module is mixed with enum pg_level."""

from __future__ import annotations

from tests.kernel.edits import At, Case, Edit, before, swap
from tests.kernel.places import TDX, TDX_H, UNITS, WRAPPERS

MAP, AUG, BLOCK, REMOVE = (
    "tdx_sept_map_leaf_spte",
    "tdx_mem_page_aug",
    "tdh_mem_range_block",
    "tdx_sept_remove_leaf_spte",
)
SMALL = "if (KVM_BUG_ON(level != PG_LEVEL_4K, kvm))"
STATE = "if (unlikely(kvm_tdx->state != TD_STATE_RUNNABLE))"
DECLARED = "u64 tdh_mem_range_block(struct tdx_td *td, u64 gpa, enum pg_level level, u64 *ext_err1"
RCX = ".rcx = gpa | pg_level_to_tdx_sept_level(level),"


def seen(text: str) -> tuple[Edit, ...]:
    return (swap(TDX, MAP, STATE, f"{text}\n\t{STATE}"),)


def prototype(kind: str, name: str) -> tuple[Edit, ...]:
    return (
        Edit(TDX_H, DECLARED, DECLARED.replace("enum pg_level level", f"{kind} {name}")),
        swap(WRAPPERS, BLOCK, "enum pg_level level,", f"{kind} {name},"),
        swap(WRAPPERS, BLOCK, "pg_level_to_tdx_sept_level(level)", f"pg_level_to_tdx_sept_level( {name})"),
    )


def aligned(size: str) -> tuple[Edit, ...]:
    return seen(f"if (KVM_BUG_ON(!IS_ALIGNED(gfn_to_gpa(gfn), {size}), kvm))\n\t\treturn -EIO;")


def helper(kind: str, argument: str) -> tuple[Edit, ...]:
    """A helper of the wrappers that takes a level."""
    return (
        before(
            WRAPPERS,
            BLOCK,
            f"""
            static bool tdx_level_fits(u64 gpa, {kind} size)
            {{
                    return IS_ALIGNED(gpa, 1UL << (12 + size));
            }}
            """,
        ),
        swap(
            WRAPPERS,
            BLOCK,
            "u64 ret;",
            f"int sept_level = pg_level_to_tdx_sept_level(level);\n\tu64 ret;\n\n"
            f"\tWARN_ON_ONCE(!tdx_level_fits(gpa, {argument}));\n\tWARN_ON_ONCE(sept_level > 2);",
        ),
    )


CASES = (
    Case(
        "converted outside the wrappers",
        UNITS,
        seen('pr_debug("level %d\\n", pg_level_to_tdx_sept_level(level));'),
        (At(TDX, MAP, "pg_level_to_tdx_sept_level"),),
        (MAP,),
        seen('pr_debug("level %d\\n", level);'),
    ),
    Case(
        "converted outside, kept in a variable",
        UNITS,
        seen(
            "{\n\t\tint sept_level = pg_level_to_tdx_sept_level(level);\n\n\t\tif (sept_level)\n\t\t\treturn -EIO;\n\t}"
        ),
        (At(TDX, MAP, "pg_level_to_tdx_sept_level"),),
        (MAP,),
        seen("{\n\t\tenum pg_level size = level;\n\n\t\tif (size != PG_LEVEL_4K)\n\t\t\treturn -EIO;\n\t}"),
    ),
    Case(
        "an int level in a prototype",
        UNITS,
        prototype("int", "level"),
        (At(TDX_H, BLOCK, BLOCK), At(WRAPPERS, BLOCK, BLOCK)),
        (BLOCK,),
        prototype("enum pg_level", "pg_level"),
    ),
    Case(
        "a u64 level in a prototype",
        UNITS,
        prototype("u64", "sept_level"),
        (At(TDX_H, BLOCK, BLOCK), At(WRAPPERS, BLOCK, BLOCK)),
        (BLOCK,),
        prototype("enum pg_level", "sept_level"),
    ),
    Case(
        "compared with TDX_PS_2M",
        UNITS,
        (swap(TDX, MAP, SMALL, SMALL.replace("!= PG_LEVEL_4K", "== TDX_PS_2M")),),
        (At(TDX, MAP, "TDX_PS_2M"),),
        (MAP,),
        (swap(TDX, MAP, SMALL, SMALL.replace("!= PG_LEVEL_4K", "== PG_LEVEL_2M")),),
    ),
    Case(
        "compared with a variable of the module's level",
        UNITS,
        seen("{\n\t\tint largest = TDX_PS_1G;\n\n\t\tif (level > largest)\n\t\t\treturn -EIO;\n\t}"),
        (At(TDX, MAP, "level > largest"),),
        (MAP,),
        seen("{\n\t\tint largest = PG_LEVEL_1G;\n\n\t\tif (level > largest)\n\t\t\treturn -EIO;\n\t}"),
    ),
    Case(
        "TDX_PS_2M as an argument",
        UNITS,
        (swap(TDX, AUG, "gpa, level, pfn", "gpa, TDX_PS_2M, pfn"),),
        (At(TDX, AUG, "TDX_PS_2M"),),
        (AUG,),
        (swap(TDX, AUG, "gpa, level, pfn", "gpa, PG_LEVEL_2M, pfn"),),
    ),
    Case(
        "level - 1 as an argument",
        UNITS,
        (swap(TDX, AUG, "gpa, level, pfn", "gpa, level - 1, pfn"),),
        (At(TDX, AUG, "level - 1"),),
        (AUG,),
        (swap(TDX, AUG, "gpa, level, pfn", "gpa, max(level, PG_LEVEL_4K), pfn"),),
    ),
    Case(
        "level - 1 merged into the address",
        UNITS,
        (swap(TDX, AUG, "gpa, level, pfn", "gpa | (level - 1), level, pfn"),),
        (At(TDX, AUG, "level - 1"),),
        (AUG,),
        (swap(TDX, AUG, "gpa, level, pfn", "gpa & PAGE_MASK, level, pfn"),),
    ),
    Case(
        "a size of the level by hand",
        UNITS,
        aligned("1UL << (PAGE_SHIFT + level * PTE_SHIFT)"),
        (At(TDX, MAP, "level * PTE_SHIFT"),),
        (MAP,),
        aligned("KVM_HPAGE_SIZE(level)"),
    ),
    Case(
        "a size of level - 1 by hand",
        UNITS,
        aligned("PAGE_SIZE << (9 * (level - 1))"),
        (At(TDX, MAP, "(level - 1)"),),
        (MAP,),
        aligned("KVM_PAGES_PER_HPAGE(level) * PAGE_SIZE"),
    ),
    Case(
        "a number of pages by hand",
        UNITS,
        aligned("PAGE_SIZE * (1UL << ((level - PG_LEVEL_4K) * PTE_SHIFT))"),
        (At(TDX, MAP, "PTE_SHIFT"),),
        (MAP,),
        aligned("page_level_size(level)"),
    ),
    Case(
        "a module level for a parameter that is a pg_level",
        UNITS,
        helper("enum pg_level", "sept_level"),
        (At(WRAPPERS, BLOCK, "tdx_level_fits"),),
        (BLOCK,),
        helper("enum pg_level", "level"),
    ),
)
