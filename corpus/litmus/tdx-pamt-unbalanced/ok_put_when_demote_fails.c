// litmus: the entry of a table page is put when DEMOTE fails
// path: arch/x86/kvm/vmx/tdx.c
static int td_split(struct kvm *kvm, gfn_t gfn, enum pg_level level, void *table)
{
	struct page *sept_page = virt_to_page(table);
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 err, entry, state;
	int ret;

	guard(write_lock)(&kvm->mmu_lock);
	err = tdh_do_no_vcpus(tdh_mem_range_block, kvm, &tdx->td, gfn_to_gpa(gfn), level, &entry, &state);
	if (TDX_BUG_ON_2(err, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
		return -EIO;
	tdx_track(kvm);

	ret = tdx_pamt_get(sept_page, &tdx->cache);
	if (KVM_BUG_ON(ret, kvm))
		return -EIO;

	err = tdh_do_no_vcpus(tdh_mem_page_demote, kvm, &tdx->td, gfn_to_gpa(gfn), level, sept_page,
			      &entry, &state);
	if (TDX_BUG_ON_2(err, TDH_MEM_PAGE_DEMOTE, entry, state, kvm)) {
		tdx_pamt_put(sept_page);
		return -EIO;
	}
	return 0;
}
