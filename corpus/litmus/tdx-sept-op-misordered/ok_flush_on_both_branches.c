// litmus: both branches behind REMOVE flush, one of them logs as well
// path: arch/x86/kvm/vmx/tdx.c
int td_drop_leaf(struct kvm *kvm, gfn_t gfn, u64 spte, bool verbose)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	kvm_pfn_t pfn = spte_to_pfn(spte);
	gpa_t gpa = gfn_to_gpa(gfn);
	u64 status, entry, state;

	guard(write_lock)(&kvm->mmu_lock);

	status = tdh_mem_range_block(&tdx->td, gpa, PG_LEVEL_4K, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
		return -EIO;

	status = tdh_mem_track(&tdx->td);
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);

	status = tdh_mem_page_remove(&tdx->td, gpa, PG_LEVEL_4K, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_PAGE_REMOVE, entry, state, kvm))
		return -EIO;

	if (verbose) {
		pr_debug("frame 0x%llx leaves the TD\n", pfn);
		status = tdh_phymem_page_wbinvd_hkid((u16)tdx->hkid, pfn);
	} else {
		status = tdh_phymem_page_wbinvd_hkid((u16)tdx->hkid, pfn);
	}
	if (TDX_BUG_ON(status, TDH_PHYMEM_PAGE_WBINVD, kvm))
		return -EIO;

	tdx_quirk_reset_paddr(PFN_PHYS(pfn), PAGE_SIZE);
	return 0;
}
