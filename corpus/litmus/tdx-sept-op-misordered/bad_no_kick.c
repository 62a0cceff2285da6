// litmus: TRACK is issued, but no vCPU is forced out of the guest before REMOVE
// path: arch/x86/kvm/vmx/tdx.c
static int bump_epoch(struct kvm *kvm)
{
	u64 status = tdh_mem_track(&to_kvm_tdx(kvm)->td);

	return TDX_BUG_ON(status, TDH_MEM_TRACK, kvm) ? -EIO : 0;
}

int td_drop_leaf(struct kvm *kvm, gfn_t gfn, u64 spte)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	kvm_pfn_t pfn = spte_to_pfn(spte);
	gpa_t gpa = gfn_to_gpa(gfn);
	u64 status, entry, state;

	guard(write_lock)(&kvm->mmu_lock);

	status = tdh_mem_range_block(&tdx->td, gpa, PG_LEVEL_4K, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
		return -EIO;

	if (KVM_BUG_ON(bump_epoch(kvm), kvm))
		return -EIO;

	status = tdh_mem_page_remove(&tdx->td, gpa, PG_LEVEL_4K, &entry, &state);	// expect: tdx-sept-op-misordered
	if (TDX_BUG_ON_2(status, TDH_MEM_PAGE_REMOVE, entry, state, kvm))
		return -EIO;

	status = tdh_phymem_page_wbinvd_hkid((u16)tdx->hkid, pfn);
	if (TDX_BUG_ON(status, TDH_PHYMEM_PAGE_WBINVD, kvm))
		return -EIO;

	tdx_quirk_reset_paddr(PFN_PHYS(pfn), PAGE_SIZE);
	return 0;
}
