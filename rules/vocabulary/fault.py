"""Faulting in: looking up a PFN, and the sequence count that tells whether it is still the guest's (rules.md, 14)."""

from analyzer.author import Sequence, Vocabulary

# callee -> whether it returns an error; the other returns the PFN (include/linux/kvm_host.h)
LOOKUPS = {"kvm_gmem_get_pfn": True, "__kvm_faultin_pfn": False, "kvm_faultin_pfn": False}
# what makes a PFN reachable by the guest or the hardware: mappings, and fields of control structures
MAPPERS = frozenset(
    """kvm_tdp_mmu_map direct_map FNAME_fetch_ make_spte mmu_set_spte tdp_mmu_map_handle_target_level
    kvm_pgtable_stage2_map pkvm_pgtable_stage2_map""".split()
)
WRITERS = frozenset(
    """vmcs_write16 vmcs_write32 vmcs_write64 vmcs_writel __vmcs_writel __vmcs_write64 wrmsrl wrmsrq wrmsr_safe
    kvm_pgtable_stage2_map pkvm_pgtable_stage2_map tdh_mem_page_aug tdh_mem_page_add WRITE_ONCE smp_store_release
    kvm_mmu_write_spte kvm_tdp_mmu_write_spte __kvm_tdp_mmu_write_spte""".split()
)

INVALIDATION = Sequence(
    counter="mmu_invalidate_seq",
    lock="mmu_lock",
    lookups=LOOKUPS,
    rechecks=frozenset(
        """mmu_invalidate_retry mmu_invalidate_retry_gfn mmu_invalidate_retry_hva
        mmu_notifier_retry mmu_notifier_retry_gfn mmu_notifier_retry_hva""".split()
    ),
    prechecks=frozenset(("mmu_invalidate_retry_gfn_unsafe",)),
    barriers=frozenset(
        """smp_rmb smp_mb rmb mb virt_rmb virt_mb dma_rmb smp_acquire__after_ctrl_dep smp_mb__after_spinlock
        mmap_read_unlock mmap_write_unlock""".split()
    ),
    publishers=MAPPERS,
    failures=frozenset("is_error_pfn is_error_noslot_pfn is_noslot_pfn is_sigpending_pfn".split()),
    excluders=frozenset(
        """kvm_assert_gmem_invalidate_lock_held filemap_invalidate_lock filemap_invalidate_lock_shared""".split()
    ),
    unlocks=frozenset("filemap_invalidate_unlock filemap_invalidate_unlock_shared".split()),
)

VOCABULARY = Vocabulary()
