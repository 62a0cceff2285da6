// litmus: a TRACK before BLOCK is superfluous, the one behind it counts
// path: arch/x86/kvm/vmx/tdx.c
static void flush_epoch(struct kvm *kvm)
{
	u64 status = tdh_mem_track(&to_kvm_tdx(kvm)->td);

	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
}

int td_break_leaf(struct kvm *kvm, gfn_t gfn, struct page *sept_page)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	gpa_t gpa = gfn_to_gpa(gfn);
	u64 status, entry, state;

	guard(write_lock)(&kvm->mmu_lock);

	flush_epoch(kvm);

	status = tdh_mem_range_block(&tdx->td, gpa, PG_LEVEL_2M, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
		return -EIO;

	flush_epoch(kvm);

	status = tdh_mem_page_demote(&tdx->td, gpa, PG_LEVEL_2M, sept_page, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_PAGE_DEMOTE, entry, state, kvm))
		return -EIO;
	return 0;
}
