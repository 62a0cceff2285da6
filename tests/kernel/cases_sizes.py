"""Rule 3: the size of a private mapping is taken from a folio."""

from __future__ import annotations

from tests.kernel.edits import At, Case, Edit, before, swap
from tests.kernel.places import GMEM, MMU, SEV, SIZES, TDX, TDX_H, WRAPPERS

REMOVE, AUG, LEVEL, FAULTIN = (
    "tdx_sept_remove_leaf_spte",
    "tdx_mem_page_aug",
    "tdx_gmem_max_mapping_level",
    "kvm_mmu_faultin_pfn_gmem",
)
GMEM_LEVEL, MAX_LEVEL, SEV_LEVEL = (
    "kvm_gmem_max_mapping_level",
    "kvm_mmu_max_mapping_level",
    "sev_gmem_max_mapping_level",
)
ORDER = "kvm_max_level_for_order(max_order)"
HOOK = "coco_level = kvm_x86_call(gmem_max_mapping_level)(kvm, pfn, is_private);"
ASKED = "if (is_private || kvm_memslot_is_gmem_only(slot))"
AUG_CALL = "err = tdh_mem_page_aug("
WRAPPED = "ret = seamcall_ret(TDH_MEM_PAGE_AUG, &args);"
FLUSH = "err = tdh_phymem_page_wbinvd_hkid("


def in_front(path: str, function: str, anchor: str, text: str) -> tuple[Edit, ...]:
    return (swap(path, function, anchor, f"{text}\n\t{anchor}"),)


def wrapped(test: str) -> tuple[Edit, ...]:
    return in_front(WRAPPERS, "tdh_mem_page_aug", WRAPPED, f"WARN_ON_ONCE({test});")


def level(text: str) -> tuple[Edit, ...]:
    return (swap(TDX, LEVEL, "return PG_LEVEL_4K;", text),)


def capped(body: str, use: str) -> tuple[Edit, ...]:
    """A helper of mmu.c caps the level of a gmem mapping."""
    return (
        before(MMU, GMEM_LEVEL, f"static u8 kvm_backing_level(kvm_pfn_t pfn, u8 max_level)\n{{\n\t{body}\n}}\n"),
        *in_front(MMU, GMEM_LEVEL, HOOK, use),
    )


def out_parameter(value: str) -> tuple[Edit, ...]:
    return (
        before(
            TDX,
            REMOVE,
            "static void tdx_leaf_pages(kvm_pfn_t pfn, enum pg_level level, unsigned long *nr)\n"
            f"{{\n\t*nr = {value};\n}}\n",
        ),
        *in_front(
            TDX,
            REMOVE,
            FLUSH,
            """{
                unsigned long nr;

                tdx_leaf_pages(pfn, level, &nr);
                if (KVM_BUG_ON(nr < KVM_PAGES_PER_HPAGE(level), kvm))
                        return -EIO;
        }""",
        ),
    )


def owned(text: str) -> tuple[Edit, ...]:
    """guest_memfd, which owns the folio, says how large it is."""
    return (swap(GMEM, "__kvm_gmem_get_pfn", "*max_order = 0;", text),)


CASES = (
    Case(
        "compared in a SEAMCALL wrapper",
        SIZES,
        wrapped("folio_nr_pages(pfn_folio(pfn)) < (1UL << level)"),
        (At(WRAPPERS, "tdh_mem_page_aug", "folio_nr_pages"),),
        ("tdh_mem_page_aug",),
        wrapped("!IS_ALIGNED(pfn, 1UL << level)"),
    ),
    Case(
        "an offset plus a count against the folio",
        SIZES,
        wrapped("folio_page_idx(pfn_folio(pfn), pfn_to_page(pfn)) + 512 > folio_nr_pages(pfn_folio(pfn))"),
        (At(WRAPPERS, "tdh_mem_page_aug", "folio_nr_pages"),),
        ("tdh_mem_page_aug",),
        wrapped("pfn + 512 > ULONG_MAX"),
    ),
    Case(
        "compared when a leaf is removed",
        SIZES,
        in_front(
            TDX,
            REMOVE,
            FLUSH,
            "if (KVM_BUG_ON(folio_size(pfn_folio(pfn)) < KVM_HPAGE_SIZE(level), kvm))\n\t\treturn -EIO;",
        ),
        (At(TDX, REMOVE, "folio_size"),),
        (REMOVE,),
        in_front(
            TDX, REMOVE, FLUSH, "if (KVM_BUG_ON(PFN_PHYS(pfn) & (KVM_HPAGE_SIZE(level) - 1), kvm))\n\t\treturn -EIO;"
        ),
    ),
    Case(
        "the order kept in a variable",
        SIZES,
        in_front(
            TDX,
            AUG,
            AUG_CALL,
            "{\n\t\tunsigned int order = folio_order(pfn_folio(pfn));\n\n"
            "\t\tif (order < 9 && level > PG_LEVEL_4K)\n\t\t\treturn -EIO;\n\t}",
        ),
        (At(TDX, AUG, "order < 9"),),
        (AUG,),
        in_front(
            TDX,
            AUG,
            AUG_CALL,
            "{\n\t\tunsigned int order = kvm_tdx->td.tdcs_nr_pages;\n\n"
            "\t\tif (order < 9 && level > PG_LEVEL_4K)\n\t\t\treturn -EIO;\n\t}",
        ),
    ),
    Case(
        "the hook of TDX asks the folio",
        SIZES,
        level("return folio_order(pfn_folio(pfn)) >= 9 ? PG_LEVEL_2M : PG_LEVEL_4K;"),
        (At(TDX, LEVEL, "folio_order"),),
        (LEVEL,),
        level("return IS_ALIGNED(pfn, 512) ? PG_LEVEL_2M : PG_LEVEL_4K;"),
    ),
    Case(
        "the hook of SEV asks the folio",
        SIZES,
        in_front(
            SEV,
            SEV_LEVEL,
            "return level;",
            "if (folio_nr_pages(pfn_folio(pfn)) < PTRS_PER_PMD)\n\t\treturn PG_LEVEL_4K;\n",
        ),
        (At(SEV, SEV_LEVEL, "folio_nr_pages"),),
        (SEV_LEVEL,),
        in_front(SEV, SEV_LEVEL, "return level;", "if (!IS_ALIGNED(pfn, PTRS_PER_PMD))\n\t\treturn PG_LEVEL_4K;\n"),
    ),
    Case(
        "the fault takes the order of the page",
        SIZES,
        (swap(MMU, FAULTIN, ORDER, "kvm_max_level_for_order(compound_order(fault->refcounted_page))"),),
        (At(MMU, FAULTIN, "compound_order"),),
        (FAULTIN,),
        owned("*max_order = folio_order(folio);"),
    ),
    Case(
        "the fault takes the size of the folio",
        SIZES,
        (
            swap(
                MMU,
                FAULTIN,
                ORDER,
                "kvm_max_level_for_order(get_order(folio_size(page_folio(fault->refcounted_page))))",
            ),
        ),
        (At(MMU, FAULTIN, "folio_size"),),
        (FAULTIN,),
        owned("*max_order = get_order(folio_size(folio));"),
    ),
    Case(
        "a helper caps the level",
        SIZES,
        capped(
            "return min(max_level, kvm_max_level_for_order(folio_order(pfn_folio(pfn))));",
            "max_level = kvm_backing_level(pfn, max_level);",
        ),
        (At(MMU, GMEM_LEVEL, "max_level = kvm_backing_level"),),
        ("kvm_backing_level", GMEM_LEVEL),
        capped(
            "return IS_ALIGNED(pfn, 512) ? max_level : PG_LEVEL_4K;", "max_level = kvm_backing_level(pfn, max_level);"
        ),
    ),
    Case(
        "a size through an out-parameter",
        SIZES,
        out_parameter("folio_nr_pages(pfn_folio(pfn))"),
        (At(TDX, REMOVE, "nr < KVM_PAGES_PER_HPAGE(level)"),),
        ("tdx_leaf_pages", REMOVE),
        out_parameter("KVM_PAGES_PER_HPAGE(level)"),
    ),
    Case(
        "a wrapper that is inline",
        SIZES,
        (
            Edit(
                TDX_H,
                "void tdx_sys_disable(void);",
                "void tdx_sys_disable(void);\n\n"
                "static inline bool tdx_fits_folio(struct folio *folio, unsigned long npages)\n"
                "{\n\treturn npages <= folio_nr_pages(folio);\n}",
            ),
        ),
        (At(TDX_H, "tdx_fits_folio", "folio_nr_pages"),),
        ("tdx_fits_folio",),
        (
            Edit(
                TDX_H,
                "void tdx_sys_disable(void);",
                "void tdx_sys_disable(void);\n\n"
                "static inline bool tdx_fits(kvm_pfn_t pfn, unsigned long npages)\n"
                "{\n\treturn IS_ALIGNED(pfn, npages);\n}",
            ),
        ),
    ),
    Case(
        "the page tables of user space for private memory",
        SIZES,
        (swap(MMU, MAX_LEVEL, ASKED, "if (!is_private)"),),
        (At(MMU, MAX_LEVEL, "host_pfn_mapping_level"),),
        (MAX_LEVEL,),
        (swap(MMU, MAX_LEVEL, ASKED, "if (kvm_memslot_is_gmem_only(slot) || is_private)"),),
    ),
)
