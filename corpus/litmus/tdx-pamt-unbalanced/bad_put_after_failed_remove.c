// litmus: the entry is put although the module keeps the page
// path: arch/x86/kvm/vmx/tdx.c
static int td_remove_leaf(struct kvm *kvm, gfn_t gfn, enum pg_level level, kvm_pfn_t pfn)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 err, entry, state;
	unsigned long i;

	guard(write_lock)(&kvm->mmu_lock);
	err = tdh_do_no_vcpus(tdh_mem_range_block, kvm, &tdx->td, gfn_to_gpa(gfn), level, &entry, &state);
	if (TDX_BUG_ON_2(err, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
		return -EIO;
	tdx_track(kvm);

	err = tdh_do_no_vcpus(tdh_mem_page_remove, kvm, &tdx->td, gfn_to_gpa(gfn), level, &entry, &state);
	if (TDX_BUG_ON_2(err, TDH_MEM_PAGE_REMOVE, entry, state, kvm)) {
		if (level == PG_LEVEL_4K)
			tdx_pamt_put(pfn);	// expect: tdx-pamt-unbalanced
		return -EIO;
	}

	for (i = 0; i < KVM_PAGES_PER_HPAGE(level); i++) {
		err = tdh_phymem_page_wbinvd_hkid((u16)tdx->hkid, pfn + i);
		if (TDX_BUG_ON(err, TDH_PHYMEM_PAGE_WBINVD, kvm))
			return -EIO;
	}

	tdx_quirk_reset_paddr(PFN_PHYS(pfn), KVM_PAGES_PER_HPAGE(level) * PAGE_SIZE);
	if (level == PG_LEVEL_4K)
		tdx_pamt_put(pfn);
	return 0;
}
