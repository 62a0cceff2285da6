"""Pages that the TDX module owns for a time: handed over, taken back and freed (arch/x86/kvm/vmx/tdx.c)."""

from analyzer.author import RESULT, Effect, Verb, Vocabulary
from rules.vocabulary.memory import ALLOCATORS
from rules.vocabulary.pairs import PAMT_ALLOCS, PAMT_FREES
from rules.vocabulary.seamcall import KEY_TEST

CUSTODY = "custody"
PAGES = frozenset("tdr_page tdcs_pages tdvpr_page tdcx_pages external_spt".split())
ARRAYS = frozenset("tdcs_pages tdcx_pages".split())
# The module may touch it while it reclaims the others, so that it is written back by itself, once it is back.
WRITE_BACKS = {"tdr_page": "tdh_phymem_page_wbinvd_tdr"}
VIEWS = frozenset("virt_to_page page_address page_to_virt page_to_phys __pa __va virt_to_phys".split())
# What puts an object on a list (what, then the head), and what walks one (the cursor comes first; linux/list.h).
LISTS = frozenset("list_add list_add_tail list_add_rcu list_add_tail_rcu list_move list_move_tail".split())
LIST_WALKS = frozenset("list_for_each_entry list_for_each_entry_safe list_for_each_entry_reverse".split())
_TDX = "arch/x86/kvm/vmx/tdx.c"


def _event(mode: str, slot: int = 0, when: str = "") -> tuple[Effect, ...]:
    return (Effect(Verb.EVENT, CUSTODY, slot, mode, when, source=_TDX),)


_EFFECTS: dict[str, tuple[Effect, ...]] = {
    **{word: _event("fresh", RESULT) for word in (*ALLOCATORS, *PAMT_ALLOCS.split(), "kvm_mmu_memory_cache_alloc")},
    **{
        word: _event("free")
        for word in (
            *"__free_page __free_pages free_page free_pages put_page folio_put".split(),
            *PAMT_FREES.split(),
        )
    },
    "tdh_mng_create": _event("give", 0, "tdr_page"),
    "tdh_mng_addcx": _event("give", 1),
    "tdh_vp_create": _event("give", 1, "tdvpr_page"),
    "tdh_vp_addcx": _event("give", 1),
    "tdh_mem_sept_add": _event("give", 3),
    "tdp_mmu_alloc_sp": _event("fresh", RESULT, "external_spt"),
    "tdp_mmu_alloc_sp_for_split": _event("fresh", RESULT, "external_spt"),
    "tdp_mmu_link_sp": _event("give", 2, "external_spt"),
    "tdh_phymem_page_reclaim": _event("take"),
    "tdx_reclaim_page": _event("take", 0, "unseen"),
    "__tdx_reclaim_page": _event("take", 0, "unseen"),
    **{word: _event("clean", 0, page) for page, word in WRITE_BACKS.items()},
    KEY_TEST: _event("test", 0, "@hkid"),
    "tdx_hkid_free": _event("drop", 0, "@hkid"),
    "tdh_mem_page_remove": _event("stage", 0, "removed"),
    "tdh_phymem_page_wbinvd_hkid": _event("stage", 1, "flushed"),
    "tdx_quirk_reset_paddr": _event("stage", 0, "reset"),
    "tdx_quirk_reset_page": _event("stage", 0, "reset"),
}

VOCABULARY = Vocabulary(effects=_EFFECTS)
