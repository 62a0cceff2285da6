// litmus: a page is blocked, and a helper is handed another one of the caller
// path: arch/x86/kvm/vmx/tdx.c
static int take_out(struct kvm *kvm, gpa_t gpa, kvm_pfn_t pfn)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status, entry, state;

	status = tdh_mem_page_remove(&tdx->td, gpa, PG_LEVEL_4K, &entry, &state);	// expect: tdx-sept-op-misordered
	if (TDX_BUG_ON_2(status, TDH_MEM_PAGE_REMOVE, entry, state, kvm))
		return -EIO;

	status = tdh_phymem_page_wbinvd_hkid((u16)tdx->hkid, pfn);
	if (TDX_BUG_ON(status, TDH_PHYMEM_PAGE_WBINVD, kvm))
		return -EIO;

	tdx_quirk_reset_paddr(PFN_PHYS(pfn), PAGE_SIZE);
	return 0;
}

int td_swap(struct kvm *kvm, gpa_t old, gpa_t new, kvm_pfn_t pfn)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status, entry, state;

	guard(write_lock)(&kvm->mmu_lock);

	status = tdh_mem_range_block(&tdx->td, old, PG_LEVEL_4K, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
		return -EIO;

	tdx_track(kvm);
	return KVM_BUG_ON(take_out(kvm, new, pfn), kvm) ? -EIO : 0;
}
