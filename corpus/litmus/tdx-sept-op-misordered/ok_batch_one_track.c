// litmus: all pages are blocked, one TRACK covers them, then all are removed
// path: arch/x86/kvm/vmx/tdx.c
static int drop_all(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, int nr)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status, entry, state;
	int i;

	for (i = 0; i < nr; i++) {
		status = tdh_mem_range_block(&tdx->td, gfn_to_gpa(gfn + i), PG_LEVEL_4K, &entry, &state);
		if (TDX_BUG_ON_2(status, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
			return -EIO;
	}

	status = tdh_mem_track(&tdx->td);
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);

	for (i = 0; i < nr; i++) {
		status = tdh_mem_page_remove(&tdx->td, gfn_to_gpa(gfn + i), PG_LEVEL_4K, &entry, &state);
		if (TDX_BUG_ON_2(status, TDH_MEM_PAGE_REMOVE, entry, state, kvm))
			return -EIO;

		status = tdh_phymem_page_wbinvd_hkid((u16)tdx->hkid, pfn + i);
		if (TDX_BUG_ON(status, TDH_PHYMEM_PAGE_WBINVD, kvm))
			return -EIO;

		tdx_quirk_reset_paddr(PFN_PHYS(pfn + i), PAGE_SIZE);
	}
	return 0;
}

int td_drop_range(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, int nr)
{
	int r;

	write_lock(&kvm->mmu_lock);
	r = drop_all(kvm, gfn, pfn, nr);
	write_unlock(&kvm->mmu_lock);
	return r;
}
