"""Edits of minikvm that change a field about Dynamic PAMT or the guest's inhibit, and other ways to write the same."""

from __future__ import annotations

from tests.kernel.edits import Edit, before, drop, swap
from tests.kernel.places import MMU, TDP, TDX
from tests.mutants.fields import EXIT, FieldEdit, anywhere, mini

VIRT, VENDOR = "arch/x86/virt/vmx/tdx/tdx.c", "arch/x86/kvm/vmx/tdx.h"
MAP, SPLIT, GET, PUT = "tdx_sept_map_page", "tdx_sept_split_page", "tdx_pamt_get", "tdx_pamt_put"
WALK, TOPUP, LEVEL = "tdp_mmu_split_huge_pages_root", "tdp_mmu_topup_external_cache", "kvm_mmu_max_mapping_level"
DEMOTE, WISH = "tdh_mem_page_demote", "kvm_mmu_set_guest_inhibit"

TAKEN = (
    "\tif (level == PG_LEVEL_4K) {\n\t\tret = tdx_pamt_get_for_map(kvm, pfn);\n\t\tif (ret)\n\t\t\treturn ret;\n\t}\n"
)
ERROR_PUT = "\tif (ret && level == PG_LEVEL_4K)\n\t\ttdx_pamt_put(pfn);\n"
REFUSED = "WARN_ON_ONCE(err && !tdx_hpa_range_not_free(err))"
LAST = "\t/* Not the last one. */\n\tif (atomic_add_unless(pamt_refcount, -1, 1))\n\t\treturn;\n"
LOCKED = "\t\tif (!atomic_dec_and_test(pamt_refcount))\n\t\t\treturn;\n"
OUTSIDE = "\tif (!atomic_dec_and_test(pamt_refcount))\n\t\treturn;\n"
PAIR = (
    "\tret = tdx_pamt_take(&kvm_tdx->pamt_cache, &kvm_tdx->td.demote_pamt);\n"
    "\tif (KVM_BUG_ON(ret, kvm))\n\t\tgoto out_put;\n"
)
BACK = "\ttdx_pamt_give_back(&kvm_tdx->pamt_cache, &kvm_tdx->td.demote_pamt);\n"
CALL = "\treturn seamcall_sept(TDH_MEM_PAGE_DEMOTE, &args, ext_err1, ext_err2);\n"
AGAIN = "\t\t\tret = tdp_mmu_topup_external_cache(kvm, &iter);\n\t\t\tif (ret)\n\t\t\t\tbreak;\n\t\t\tcontinue;\n"
READ = "!lpage_info_slot(fault->gfn, slot, max_level)->disallow_lpage"
SET = "lpage_info_slot(gfn, slot, level)->disallow_lpage |= KVM_LPAGE_GUEST_INHIBIT;"
SECTION = (
    "\t\tscoped_guard(write_lock, &kvm->mmu_lock) {\n"
    "\t\t\tret = kvm_tdp_mmu_split_mirror_leaf(kvm, gpa_to_gfn(gpa));\n"
    "\t\t\tif (!ret)\n\t\t\t\tkvm_mmu_set_guest_inhibit(kvm, gpa_to_gfn(gpa));\n\t\t}\n"
)
SHARED_SPLIT = (
    drop(TDP, "kvm_tdp_mmu_split_mirror_leaf", "\tlockdep_assert_held_write(&kvm->mmu_lock);\n"),
    swap(TDP, "kvm_tdp_mmu_split_mirror_leaf", "PG_LEVEL_4K, false);", "PG_LEVEL_4K, true);"),
    drop(TDP, WALK, "\tif (KVM_BUG_ON(shared && is_mirror_sp(root), kvm))\n\t\treturn -EIO;\n"),
    drop(TDX, SPLIT, "\tlockdep_assert_held_write(&kvm->mmu_lock);\n"),
)


def _each_attempt(failed: str) -> tuple[Edit, ...]:
    """The wrapper of DEMOTE takes the pair itself, once for each attempt."""
    call = CALL.replace("return ", "ret = ")
    taking = "\tif (tdx_pamt_take(td->pamt_cache, &td->demote_pamt))\n\t\treturn TDX_SW_ERROR;\n\n"
    return (
        drop(TDX, SPLIT, PAIR),
        drop(TDX, SPLIT, BACK),
        swap(VIRT, DEMOTE, "\t*ext_err1 = 0;\n", "\tu64 ret;\n\n\t*ext_err1 = 0;\n"),
        swap(VIRT, DEMOTE, CALL, f"{taking}{call}{failed}\n\treturn ret;\n"),
    )


FROM_LIST = """
    static struct page *pamt_pop(struct tdx_pamt_cache *cache)
    {
            struct page *page = list_first_entry_or_null(&cache->pages, struct page, lru);

            if (page) {
                    list_del(&page->lru);
                    cache->count--;
            }
            return page;
    }

    static int pamt_pages_alloc(u64 *addresses, struct tdx_pamt_cache *cache)
    {
            struct page *page;
            int i;

            for (i = 0; i < TDX_PAMT_PAGES; i++) {
                    page = pamt_pop(cache);
                    if (!page)
                            return -ENOMEM;
                    addresses[i] = page_to_phys(page);
            }
            return 0;
    }

    static void pamt_pages_free(u64 *addresses)
    {
            int i;

            for (i = 0; i < TDX_PAMT_PAGES; i++)
                    __free_page(phys_to_page(addresses[i]));
    }

    static int pamt_wanted(void)
    {
            return TDX_PAMT_PAGES * TIMES;
    }

    int pamt_fill(struct tdx_pamt_cache *cache)
    {
            while (cache->count < pamt_wanted()) {
                    struct page *page = alloc_page(GFP_KERNEL_ACCOUNT);

                    if (!page)
                            return -ENOMEM;
                    list_add(&page->lru, &cache->pages);
                    cache->count++;
            }
            return 0;
    }
    """


def _from_list(times: int) -> tuple[Edit, ...]:
    """The same with single pages of a list, which are freed after an attempt that failed."""
    calling = CALL.replace("return ", "ret = ") + "\tif (ret)\n\t\tpamt_pages_free(&args.r12);\n\n\treturn ret;\n"
    return (
        drop(TDX, SPLIT, PAIR),
        drop(TDX, SPLIT, BACK),
        before(VIRT, DEMOTE, FROM_LIST.replace("TIMES", str(times))),
        swap(VIRT, DEMOTE, "\t*ext_err1 = 0;\n", "\tu64 ret;\n\n\t*ext_err1 = 0;\n"),
        swap(
            VIRT,
            DEMOTE,
            CALL,
            f"\tif (pamt_pages_alloc(&args.r12, td->pamt_cache))\n\t\treturn TDX_SW_ERROR;\n\n{calling}",
        ),
    )


FREED = "\tif (ret)\n\t\ttdx_pamt_free_pages(&td->demote_pamt);\n"
KEPT = "\tif (ret)\n\t\ttdx_pamt_give_back(td->pamt_cache, &td->demote_pamt);\n"

WRONG: tuple[FieldEdit, ...] = (
    mini(
        "pamt_levels",
        "4k-and-2m",
        swap(TDX, MAP, TAKEN, "\tret = tdx_pamt_get_for_map(kvm, pfn);\n\tif (ret)\n\t\treturn ret;\n"),
        swap(TDX, MAP, "if (ret && level == PG_LEVEL_4K)", "if (ret)"),
    ),
    mini("pamt_on_error", "kept", drop(TDX, MAP, ERROR_PUT)),
    mini("pamt_on_error", "kept", swap(TDX, MAP, "if (ret && level", "if (ret == -EIO && level")),
    mini("pamt_after_demote", "untouched", drop(TDX, SPLIT, "\ttdx_pamt_get_all(spte_to_pfn(old_spte));\n")),
    mini(
        "pamt_after_demote",
        "untouched",
        swap(VIRT, "tdx_pamt_get_all", "atomic_set(pamt_refcount, PTRS_PER_PMD)", "atomic_set(pamt_refcount, 1)"),
    ),
    mini("pamt_not_free", "error", swap(VIRT, GET, REFUSED, "err")),
    mini("pamt_not_free", "error", swap(VIRT, GET, REFUSED, "WARN_ON_ONCE(err)")),
    mini("pamt_not_free", "error", swap(VIRT, GET, REFUSED, "err == TDX_HPA_RANGE_NOT_FREE")),
    mini("pamt_recheck", "none", swap(VIRT, PUT, LAST, OUTSIDE), drop(VIRT, PUT, LOCKED)),
    mini("pamt_recheck", "none", swap(VIRT, PUT, "\tscoped_guard(spinlock, &tdx_pamt_lock) {", "\t{")),
    mini("split_cache", "pair-leaked", *_each_attempt("")),
    mini("split_cache", "two-pairs", *_each_attempt(FREED)),
    mini("split_cache", "two-pairs", *_from_list(2)),
    mini("split_cache", "three-pairs", *_from_list(3)),
    mini(
        "split_cache",
        "three-pairs",
        *_each_attempt(FREED),
        anywhere(VENDOR, "#define TDX_SPLIT_PAIRS\t\t2", "#define TDX_SPLIT_PAIRS\t\t3"),
    ),
    mini("after_topup", "continue", swap(TDP, WALK, AGAIN, AGAIN.replace("\t\t\tcontinue;\n", ""))),
    mini("after_topup", "continue", drop(TDP, TOPUP, "\titer->yielded = true;\n")),
    mini(
        "after_topup",
        "continue",
        swap(TDP, WALK, AGAIN, AGAIN.replace("continue;", "goto split;")),
        swap(TDP, WALK, "\t\ttdp_mmu_init_child_sp(", "split:\n\t\ttdp_mmu_init_child_sp("),
    ),
    mini("inhibit", "unread", swap(MMU, LEVEL, READ, f"!({READ[1:]} & ~KVM_LPAGE_GUEST_INHIBIT)")),
    mini("inhibit", "unread", swap(MMU, LEVEL, READ, f"!({READ[1:]} & KVM_LPAGE_MIXED_FLAG)")),
    mini(
        "inhibit",
        "cleared",
        swap(
            MMU,
            "kvm_arch_split_private_range",
            "\treturn kvm_tdp_mmu_split_mirror_edges(",
            "\tlpage_info_slot(range->start, range->slot, PG_LEVEL_2M)->disallow_lpage &= ~KVM_LPAGE_GUEST_INHIBIT;\n"
            "\treturn kvm_tdp_mmu_split_mirror_edges(",
        ),
    ),
    mini(
        "inhibit",
        "cleared",
        before(
            MMU,
            "kvm_arch_split_private_range",
            """
            static void forget(struct kvm_lpage_info *info)
            {
                    info->disallow_lpage = 0;
            }
            """,
        ),
        swap(
            MMU,
            "kvm_arch_split_private_range",
            "\treturn kvm_tdp_mmu_split_mirror_edges(",
            "\tforget(lpage_info_slot(range->start, range->slot, PG_LEVEL_2M));\n"
            "\treturn kvm_tdp_mmu_split_mirror_edges(",
        ),
    ),
    mini(
        "split_lock",
        "read",
        swap(TDX, EXIT, SECTION, SECTION.replace("write_lock", "read_lock")),
        drop(MMU, WISH, "\tlockdep_assert_held_write(&kvm->mmu_lock);\n"),
        *SHARED_SPLIT,
        also="demote_error",
    ),
    mini(
        "split_lock",
        "read-then-write",
        swap(
            TDX,
            EXIT,
            SECTION,
            "\t\tscoped_guard(read_lock, &kvm->mmu_lock)\n"
            "\t\t\tret = kvm_tdp_mmu_split_mirror_leaf(kvm, gpa_to_gfn(gpa));\n"
            "\t\tif (!ret) {\n\t\t\tguard(write_lock)(&kvm->mmu_lock);\n"
            "\t\t\tkvm_mmu_set_guest_inhibit(kvm, gpa_to_gfn(gpa));\n\t\t}\n",
        ),
        *SHARED_SPLIT,
        also="demote_error",
    ),
)

# Each of these means what the tree means.
OTHER_WAYS: tuple[tuple[str, tuple[Edit, ...]], ...] = (
    ("pamt_not_free: compared", (swap(VIRT, GET, REFUSED, "err && err != TDX_HPA_RANGE_NOT_FREE"),)),
    (
        "pamt_not_free: masked",
        (swap(VIRT, GET, REFUSED, "err && (err & TDX_SEAMCALL_STATUS_MASK) != TDX_HPA_RANGE_NOT_FREE"),),
    ),
    (
        "pamt_not_free: a helper of another name",
        (
            before(
                VIRT,
                GET,
                """
                static bool pages_are_in(u64 err)
                {
                        return (err & TDX_SEAMCALL_STATUS_MASK) == TDX_HPA_RANGE_NOT_FREE;
                }
                """,
            ),
            swap(VIRT, GET, REFUSED, "err && !pages_are_in(err)"),
        ),
    ),
    (
        "pamt_not_free: forgotten",
        (
            swap(
                VIRT,
                GET,
                f"\t\t\tif ({REFUSED})",
                "\t\t\tif (tdx_hpa_range_not_free(err))\n\t\t\t\terr = 0;\n\t\t\tif (err)",
            ),
        ),
    ),
    (
        "pamt_recheck: counted down first, read again",
        (
            swap(VIRT, PUT, LAST, OUTSIDE),
            swap(VIRT, PUT, LOCKED, "\t\tif (atomic_read(pamt_refcount))\n\t\t\treturn;\n"),
        ),
    ),
    (
        "pamt_recheck: the lock taken by hand",
        (
            swap(VIRT, PUT, "\tscoped_guard(spinlock, &tdx_pamt_lock) {", "\tspin_lock(&tdx_pamt_lock);\n\t{"),
            swap(VIRT, PUT, LOCKED, "\t\tif (!atomic_dec_and_test(pamt_refcount))\n\t\t\tgoto out;\n"),
            swap(
                VIRT,
                PUT,
                "\t\t\tatomic_inc(pamt_refcount);\n\t\t\treturn;\n",
                "\t\t\tatomic_inc(pamt_refcount);\n\t\t\tgoto out;\n",
            ),
            swap(
                VIRT,
                PUT,
                "\t}\n\n\ttdx_pamt_free_pages(&pages);\n",
                "\t}\n\tspin_unlock(&tdx_pamt_lock);\n\n\ttdx_pamt_free_pages(&pages);\n\treturn;\n"
                "out:\n\tspin_unlock(&tdx_pamt_lock);\n",
            ),
        ),
    ),
    (
        "pamt_recheck: counted down and locked at once",
        (
            drop(VIRT, PUT, LAST),
            swap(
                VIRT,
                PUT,
                "\tscoped_guard(spinlock, &tdx_pamt_lock) {\n" + LOCKED,
                "\tif (!atomic_dec_and_lock(pamt_refcount, &tdx_pamt_lock))\n\t\treturn;\n\t{\n",
            ),
        ),
    ),
    ("split_cache: each attempt gives its pair back", _each_attempt(KEPT)),
    (
        "split_cache: the pair is handed over",
        (
            swap(TDX, SPLIT, PAIR, PAIR.replace("&kvm_tdx->td.demote_pamt", "&pages")),
            swap(TDX, SPLIT, BACK, BACK.replace("&kvm_tdx->td.demote_pamt", "&pages")),
            swap(TDX, SPLIT, "\tkvm_pfn_t sept_pfn;\n", "\tkvm_pfn_t sept_pfn;\n\tstruct tdx_pamt_pages pages;\n"),
        ),
    ),
    (
        "after_topup: from the top",
        (
            swap(TDP, WALK, AGAIN, AGAIN.replace("continue;", "goto retry;")),
            swap(TDP, WALK, "\trcu_read_lock();\n", "\trcu_read_lock();\nretry:\n"),
            drop(TDP, TOPUP, "\titer->yielded = true;\n"),
        ),
    ),
    (
        "after_topup: read again where it is",
        (
            swap(
                TDP,
                WALK,
                AGAIN,
                AGAIN.replace("continue;", "iter.old_spte = kvm_tdp_mmu_read_spte(iter.sptep);\n\t\t\tgoto again;"),
            ),
            drop(TDP, TOPUP, "\titer->yielded = true;\n"),
        ),
    ),
    (
        "after_topup: yielded afterwards",
        (
            drop(TDP, TOPUP, "\titer->yielded = true;\n"),
            swap(TDP, WALK, AGAIN, AGAIN.replace("\t\t\tcontinue;", "\t\t\titer.yielded = true;\n\t\t\tcontinue;")),
        ),
    ),
    (
        "zap_crossing: all of the range in one walk",
        (
            swap(
                MMU,
                "kvm_arch_split_private_range",
                "kvm_tdp_mmu_split_mirror_edges(kvm, range->start, range->end)",
                "kvm_tdp_mmu_split_all(kvm, range->start, range->end)",
            ),
            before(
                TDP,
                "kvm_tdp_mmu_split_mirror_edges",
                """
                int kvm_tdp_mmu_split_all(struct kvm *kvm, gfn_t first, gfn_t last)
                {
                        struct kvm_mmu_page *root;
                        int ret;

                        __for_each_tdp_mmu_root_yield_safe(kvm, root, -1, KVM_MIRROR_ROOTS) {
                                ret = tdp_mmu_split_huge_pages_root(kvm, root, first, last,
                                                                    PG_LEVEL_4K, false);
                                if (ret) {
                                        kvm_tdp_mmu_put_root(kvm, root);
                                        return ret;
                                }
                        }
                        return 0;
                }
                """,
            ),
        ),
    ),
    ("inhibit: read by its flag", (swap(MMU, LEVEL, READ, f"!({READ[1:]} & (KVM_LPAGE_GUEST_INHIBIT | 1))"),)),
    (
        "inhibit: set before the split",
        (
            swap(
                TDX,
                EXIT,
                SECTION,
                "\t\twrite_lock(&kvm->mmu_lock);\n\t\tkvm_mmu_set_guest_inhibit(kvm, gpa_to_gfn(gpa));\n"
                "\t\tret = kvm_tdp_mmu_split_mirror_leaf(kvm, gpa_to_gfn(gpa));\n\t\twrite_unlock(&kvm->mmu_lock);\n",
            ),
        ),
    ),
    (
        "inhibit: a field of its own",
        (
            swap(MMU, WISH, SET, "lpage_info_slot(gfn, slot, level)->small_only = true;"),
            swap(MMU, LEVEL, READ, f"{READ} && !lpage_info_slot(fault->gfn, slot, max_level)->small_only"),
        ),
    ),
    (
        "inhibit: another bit is cleared",
        (
            swap(
                MMU,
                "kvm_arch_split_private_range",
                "\treturn kvm_tdp_mmu_split_mirror_edges(",
                "\tlpage_info_slot(range->start, range->slot, PG_LEVEL_2M)->disallow_lpage &= ~KVM_LPAGE_MIXED_FLAG;\n"
                "\treturn kvm_tdp_mmu_split_mirror_edges(",
            ),
        ),
    ),
)
