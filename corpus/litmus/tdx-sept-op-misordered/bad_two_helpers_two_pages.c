// litmus: two helpers, of two pages
// path: arch/x86/kvm/vmx/tdx.c
static int seal(struct kvm *kvm, gpa_t gpa)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status, entry, state;

	status = tdh_mem_range_block(&tdx->td, gpa, PG_LEVEL_4K, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
		return -EIO;

	status = tdh_mem_track(&tdx->td);
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
	return 0;
}

static int take_out(struct kvm *kvm, gpa_t gpa, kvm_pfn_t pfn)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status, entry, state;

	status = tdh_mem_page_remove(&tdx->td, gpa, PG_LEVEL_4K, &entry, &state);	// expect: tdx-sept-op-misordered "BLOCK was for gpa"
	if (TDX_BUG_ON_2(status, TDH_MEM_PAGE_REMOVE, entry, state, kvm))
		return -EIO;

	status = tdh_phymem_page_wbinvd_hkid((u16)tdx->hkid, pfn);
	if (TDX_BUG_ON(status, TDH_PHYMEM_PAGE_WBINVD, kvm))
		return -EIO;

	tdx_quirk_reset_paddr(PFN_PHYS(pfn), PAGE_SIZE);
	return 0;
}

int td_drop(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn)
{
	gpa_t gpa = gfn_to_gpa(gfn);

	guard(write_lock)(&kvm->mmu_lock);

	if (seal(kvm, gpa) || KVM_BUG_ON(take_out(kvm, gpa + PAGE_SIZE, pfn), kvm))
		return -EIO;

	return 0;
}
