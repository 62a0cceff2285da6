// litmus: the key is asked for by its number
// path: arch/x86/kvm/vmx/tdx.h
static inline bool is_hkid_assigned(struct kvm_tdx *kvm_tdx)
{
	return kvm_tdx->hkid > 0;
}
// path: arch/x86/kvm/vmx/tdx.c
static int drop_page(struct kvm *kvm, gfn_t gfn, enum pg_level level, kvm_pfn_t pfn)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status, entry, state;

	status = tdh_mem_range_block(&tdx->td, gfn_to_gpa(gfn), level, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
		return -EIO;

	tdx_track(kvm);

	status = tdh_mem_page_remove(&tdx->td, gfn_to_gpa(gfn), level, &entry, &state);
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
	guard(write_lock)(&kvm->mmu_lock);

	if (to_kvm_tdx(kvm)->hkid <= 0)
		return -EIO;

	return drop_page(kvm, gfn, PG_LEVEL_4K, pfn);
}
