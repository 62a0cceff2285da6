"""What has to be given back: references to TDP MMU roots, Dynamic PAMT pairs (names of the patches that add them)."""

from analyzer.author import RESULT, Effect, Verb, Vocabulary

ROOT = "tdp-root"
_TDP = "arch/x86/kvm/mmu/tdp_mmu.c"
_WALKS = "__for_each_tdp_mmu_root_yield_safe for_each_valid_tdp_mmu_root_yield_safe for_each_tdp_mmu_root_yield_safe"


def _open(label: str, slot: int = 0, when: str = "", source: str = "") -> Effect:
    return Effect(Verb.EVENT, label, slot, "open", when, source=source)


def _close(label: str, slot: int = 0, when: str = "", source: str = "") -> Effect:
    return Effect(Verb.EVENT, label, slot, "close", when, source=source)


_EFFECTS: dict[str, tuple[Effect, ...]] = {
    "tdp_mmu_next_root": (_close(ROOT, 1, "silent", _TDP), _open(ROOT, RESULT, "nonzero", _TDP)),
    "kvm_tdp_mmu_get_root": (_open(ROOT, 0, "nonzero", "arch/x86/kvm/mmu/tdp_mmu.h"),),
    "kvm_tdp_mmu_put_root": (_close(ROOT, 1, "silent", _TDP),),
    **{w: (Effect(Verb.EVENT, ROOT, 1, "iterate", "tdp_mmu_next_root", source=_TDP),) for w in _WALKS.split()},
}

PAMT = "pamt"
PAMT_GETS = "tdx_pamt_get __tdx_pamt_get tdx_dpamt_get"
PAMT_PUTS = "tdx_pamt_put __tdx_pamt_put tdx_dpamt_put"
PAMT_ALLOCS = "tdx_alloc_page tdx_alloc_control_page tdx_alloc_sept_page __tdx_alloc_control_page"
PAMT_FREES = "tdx_free_page tdx_free_control_page tdx_free_sept_page __tdx_free_control_page"
for _word in PAMT_GETS.split():
    _EFFECTS[_word] = (_open(PAMT, 0, "zero"),)
for _word in PAMT_PUTS.split():
    _EFFECTS[_word] = (_close(PAMT, 0),)
for _word in PAMT_ALLOCS.split():
    _EFFECTS[_word] = (_open(PAMT, RESULT, "nonzero"),)
for _word in PAMT_FREES.split():
    _EFFECTS[_word] = (_close(PAMT, 0),)
for _word in "__free_page __free_pages free_page free_pages put_page".split():
    _EFFECTS[_word] = (Effect(Verb.EVENT, PAMT, 0, "free"),)

# What takes a page away from the TDX module; a page it did not give back still needs its PAMT entry.
TAKES_BACK = frozenset(
    """tdh_mem_page_remove tdh_phymem_page_reclaim __tdx_reclaim_page tdx_reclaim_page
    tdx_sept_remove_leaf_spte""".split()
)
PAMT_COUNTS = frozenset("pamt_refcount pamt_refcounts tdx_find_pamt_refcount tdx_get_pamt_refcount".split())
# Changes of a count that may take it from or to zero; those that never do (inc_not_zero) need no lock.
COUNT_CHANGES = frozenset(
    """atomic_inc atomic_dec atomic_set atomic_add atomic_sub atomic_inc_return atomic_dec_return atomic_dec_and_test
    atomic_sub_and_test atomic_fetch_add atomic_fetch_sub atomic_fetch_inc atomic_fetch_dec atomic_cmpxchg
    atomic_cmpxchg_release atomic_cmpxchg_acquire atomic_try_cmpxchg atomic_xchg atomic_dec_if_positive
    refcount_inc refcount_dec refcount_set refcount_dec_and_test refcount_add refcount_sub_and_test""".split()
)

INVALIDATE = "invalidate"
_HOST, _GMEM = "virt/kvm/kvm_main.c", "virt/kvm/guest_memfd.c"
_EFFECTS |= {
    "kvm_mmu_invalidate_start": (Effect(Verb.EVENT, INVALIDATE, 0, "open", source=_HOST),),
    "kvm_mmu_invalidate_begin": (Effect(Verb.EVENT, INVALIDATE, 0, "open", source=_HOST),),
    "kvm_mmu_invalidate_end": (Effect(Verb.EVENT, INVALIDATE, 0, "close", source=_HOST),),
    "kvm_mmu_invalidate_range_add": (Effect(Verb.EVENT, INVALIDATE, 0, "add", source=_HOST),),
    "IS_KVM_NULL_FN": (Effect(Verb.EVENT, INVALIDATE, 0, "is", "kvm_null_fn", source=_HOST),),
    "kvm_mmu_unmap_gfn_range": (Effect(Verb.EVENT, INVALIDATE, 0, "add", "unseen", source=_HOST),),
    **{
        f"{prefix}kvm_gmem_invalidate_{word}": (Effect(Verb.EVENT, INVALIDATE, 0, mode, "unseen", source=_GMEM),)
        for prefix in ("", "__")
        for word, mode in (("start", "open"), ("begin", "open"), ("end", "close"))
    },
    **{
        w: (Effect(Verb.EVENT, INVALIDATE, 0, "drop", source="include/linux/sched.h"),)
        for w in "cond_resched_rwlock_write cond_resched_rwlock_read cond_resched_lock".split()
    },
    **{
        f"filemap_invalidate_{word}": (Effect(verb, "invalidate_lock", 0, mode, source="include/linux/fs.h"),)
        for word, verb, mode in (
            ("lock", Verb.ACQUIRE, "w"),
            ("unlock", Verb.RELEASE, "w"),
            ("lock_shared", Verb.ACQUIRE, "r"),
            ("unlock_shared", Verb.RELEASE, "r"),
        )
    },
}

GUEST_MARKS = ("pfn", "spte")  # only guest mappings have a PFN or an SPTE

VOCABULARY = Vocabulary(effects=_EFFECTS)
