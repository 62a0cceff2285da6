// litmus: the level has two names but one value along the chain
// path: arch/x86/kvm/vmx/tdx.c
int td_break_leaf(struct kvm *kvm, gfn_t gfn, struct page *sept_page, enum pg_level level)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	const enum pg_level range = level;
	gpa_t gpa = gfn_to_gpa(gfn);
	u64 status, entry, state;

	guard(write_lock)(&kvm->mmu_lock);

	if (KVM_BUG_ON(level != PG_LEVEL_2M, kvm))
		return -EIO;

	status = tdh_mem_range_block(&tdx->td, gpa, range, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
		return -EIO;

	status = tdh_mem_track(&tdx->td);
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);

	status = tdh_mem_page_demote(&tdx->td, gfn_to_gpa(gfn), level, sept_page, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_PAGE_DEMOTE, entry, state, kvm))
		return -EIO;
	return 0;
}
