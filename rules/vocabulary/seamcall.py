"""SEAMCALL wrappers of the TDX module (arch/x86/include/asm/tdx.h, arch/x86/virt/vmx/tdx/tdx.c) and what they act
on."""

from analyzer.author import Effect, Verb, Vocabulary, Work, covers

TDX_CODE = ("arch/x86/kvm/vmx/tdx*", "arch/x86/virt/vmx/tdx/*", "arch/x86/include/asm/tdx.h")

# Wrappers that take guest memory -> how many struct page parameters are something else (source or S-EPT page).
GUEST_MEMORY: dict[str, int] = {
    "tdh_mem_page_add": 1,
    "tdh_mem_page_aug": 0,
    "tdh_mem_page_demote": 1,
    "tdh_mem_page_promote": 1,
    "tdh_phymem_page_wbinvd_hkid": 0,
}

# They must not race with any other S-EPT operation of the TD (tdx.c: tdx_sept_remove_leaf_spte, tdx_track).
# VP.INIT takes the TDR for itself, so that removals would find it busy (tdx.c: tdx_td_vcpu_init).
EXCLUSIVE_OPS = frozenset(
    ("tdh_mem_range_block", "tdh_mem_track", "tdh_mem_page_remove", "tdh_mem_page_demote", "tdh_vp_init")
)
DEMOTE = frozenset(("tdh_mem_page_demote",))
# They may be BUSY, and only the atomic path of the TDP MMU can hand that back (tdx.c: tdx_sept_set_private_spte).
INSTALLS = frozenset(("tdh_mem_page_aug", "tdh_mem_page_add", "tdh_mem_sept_add"))
READ_ASSERTS = frozenset(("lockdep_assert_held_read",))
# What changes an entry with the lock shared -> the argument that has the new value (mmu/tdp_mmu.c).
ATOMIC_UPDATES = {"tdp_mmu_set_spte_atomic": 2, "__tdp_mmu_set_spte_atomic": 2}
NONPRESENT = frozenset(("SHADOW_NONPRESENT_VALUE", "0"))
UPDATE_OPS = frozenset(("set_external_spte",))
# Filling a table from a huge SPTE is what makes a link a split (mmu/spte.h, tdp_mmu_split_huge_page()).
SPLIT_MARKS = frozenset(("make_small_spte",))
SPLIT_LINKS = frozenset(
    """tdp_mmu_link_sp tdp_mmu_set_spte_atomic __tdp_mmu_set_spte_atomic tdp_mmu_iter_set_spte tdp_mmu_set_spte
    kvm_tdp_mmu_write_spte __kvm_tdp_mmu_write_spte kvm_tdp_mmu_write_spte_atomic""".split()
)

SEAMCALLS = frozenset(
    """seamcall seamcall_ret seamcall_saved_ret seamcall_saved __seamcall __seamcall_ret __seamcall_saved_ret
    __seamcall_dirty_cache sc_retry seamcall_dirty_cache seamcall_prerr seamcall_prerr_ret __tdcall""".split()
)

# Work on memory that has to match the size of what a SEAMCALL maps, adds or removes.
SIZED_WORK: dict[str, Work] = {
    "clflush_cache_range": Work("flushes", 0, 1, always=True),
    "tdx_quirk_reset_paddr": Work("resets", 0, 1, always=True),
    "tdx_clflush_page": Work("flushes", 0),
    "tdx_clflush_pfn": Work("flushes", 0),
    "tdx_quirk_reset_page": Work("resets", 0),
    "tdx_clear_page": Work("resets", 0),
    "tdx_quirk_reset_folio": Work("resets", 0, 2),
    "tdh_phymem_page_wbinvd_hkid": Work("writes back", 1),
}
SIZED_LEAVES = {"TDH_PHYMEM_PAGE_WBINVD": "writes back"}
VOID_OPS = frozenset(("free_external_spt", "remove_external_spte", "drop_external_spte"))

SEPT = "sept"
KEYED = "keyed"  # what needs the key of the TD
KEY_TEST = "is_hkid_assigned"
KEY_FIELD = "hkid"
_EFFECTS: dict[str, tuple[Effect, ...]] = {
    "tdh_mem_range_block": (Effect(Verb.EVENT, SEPT, mode="block"),),
    "tdh_mem_track": (Effect(Verb.EVENT, SEPT, mode="track"),),
    "tdh_mem_page_remove": (Effect(Verb.EVENT, SEPT, mode="remove"), Effect(Verb.EVENT, KEYED, mode="remove")),
    KEY_TEST: (Effect(Verb.EVENT, KEYED, mode="test"),),
    "tdx_hkid_free": (Effect(Verb.EVENT, KEYED, mode="drop"),),
    "tdh_mem_page_demote": (Effect(Verb.EVENT, SEPT, mode="demote"),),
    "tdh_mem_range_unblock": (Effect(Verb.EVENT, SEPT, mode="unblock"),),
    "tdh_phymem_page_wbinvd_hkid": (Effect(Verb.EVENT, SEPT, mode="flush"),),
    "tdx_quirk_reset_paddr": (Effect(Verb.EVENT, SEPT, mode="reset"),),
    "tdx_quirk_reset_page": (Effect(Verb.EVENT, SEPT, mode="reset"),),
    "tdx_quirk_reset_folio": (Effect(Verb.EVENT, SEPT, mode="reset"),),
    "tdx_clear_page": (Effect(Verb.EVENT, SEPT, mode="reset"),),
    "tdx_track": (Effect(Verb.EVENT, SEPT, mode="track+kick", when="unseen", source="arch/x86/kvm/vmx/tdx.c"),),
    "kvm_make_all_cpus_request": (Effect(Verb.EVENT, SEPT, mode="kick"),),
}

# What a SEAMCALL may return (asm/shared/tdx_errno.h, asm/tdx.h): none of it is success.
_STATUSES = {
    "TDX_SUCCESS": 0,
    "TDX_NON_RECOVERABLE_VCPU": 0x4000000100000000,
    "TDX_NON_RECOVERABLE_TD": 0x4000000200000000,
    "TDX_NON_RECOVERABLE_TD_NON_ACCESSIBLE": 0x6000000500000000,
    "TDX_NON_RECOVERABLE_TD_WRONG_APIC_MODE": 0x6000000700000000,
    "TDX_INTERRUPTED_RESUMABLE": 0x8000000300000000,
    "TDX_OPERAND_BUSY": 0x8000020000000000,
    "TDX_PREVIOUS_TLB_EPOCH_BUSY": 0x8000020100000000,
    "TDX_SYS_BUSY": 0x8000020200000000,
    "TDX_RND_NO_ENTROPY": 0x8000020300000000,
    "TDX_VCPU_NOT_ASSOCIATED": 0x8000070200000000,
    "TDX_KEY_GENERATION_FAILED": 0x8000080000000000,
    "TDX_FLUSHVP_NOT_DONE": 0x8000082400000000,
    "TDX_OPERAND_INVALID": 0xC000010000000000,
    "TDX_PAGE_METADATA_INCORRECT": 0xC000030000000000,
    "TDX_KEY_STATE_INCORRECT": 0xC000081100000000,
    "TDX_EPT_WALK_FAILED": 0xC0000B0000000000,
    "TDX_EPT_ENTRY_STATE_INCORRECT": 0xC0000B0D00000000,
}

VOCABULARY = Vocabulary(
    effects=_EFFECTS,
    predicates=frozenset(("is_mirror_sp", "is_mirror_sptep", "kvm_has_mirrored_tdp", "gfn_to_gpa")),
    constants={
        **{"PG_LEVEL_NONE": 0, "PG_LEVEL_4K": 1, "PG_LEVEL_2M": 2, "PG_LEVEL_1G": 3, "PG_LEVEL_512G": 4},
        **_STATUSES,
    },
)


def is_tdx(path: str) -> bool:
    """Whether a file is TDX code."""
    return covers(TDX_CODE, path)


def only_reads(wrapper: str) -> bool:
    """Whether a SEAMCALL changes nothing: TDH.MNG.RD, TDH.VP.RD, TDH.MEM.RD, TDH.MEM.SEPT.RD, TDH.PHYMEM.PAGE.RDMD."""
    return wrapper.endswith(("_rd", "_rdmd"))
