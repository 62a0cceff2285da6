// litmus: the helper takes the start of a range, and seals its second page
// path: arch/x86/kvm/vmx/tdx.c
static int seal(struct kvm *kvm, gpa_t gpa)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status, entry, state;

	status = tdh_mem_range_block(&tdx->td, gpa + PAGE_SIZE, PG_LEVEL_4K, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
		return -EIO;

	status = tdh_mem_track(&tdx->td);
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
	return 0;
}

int td_drop_second(struct kvm *kvm, gfn_t gfn, u64 spte)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	kvm_pfn_t pfn = spte_to_pfn(spte);
	gpa_t gpa = gfn_to_gpa(gfn);
	u64 status, entry, state;

	guard(write_lock)(&kvm->mmu_lock);

	if (seal(kvm, gpa))
		return -EIO;

	status = tdh_mem_page_remove(&tdx->td, gpa + PAGE_SIZE, PG_LEVEL_4K, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_PAGE_REMOVE, entry, state, kvm))
		return -EIO;

	status = tdh_phymem_page_wbinvd_hkid((u16)tdx->hkid, pfn);
	if (TDX_BUG_ON(status, TDH_PHYMEM_PAGE_WBINVD, kvm))
		return -EIO;

	tdx_quirk_reset_paddr(PFN_PHYS(pfn), PAGE_SIZE);
	return 0;
}
