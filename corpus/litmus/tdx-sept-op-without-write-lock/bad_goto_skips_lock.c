// litmus: one goto reaches the demotion without passing the lock
// path: arch/x86/kvm/vmx/tdx.c
int td_break_leaf(struct kvm *kvm, gfn_t gfn, struct page *sept_page, bool urgent)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	gpa_t gpa = gfn_to_gpa(gfn);
	u64 status, entry, state;
	int ret = -EIO;

	if (urgent)
		goto split;

	write_lock(&kvm->mmu_lock);
split:
	status = tdh_mem_range_block(&tdx->td, gpa, PG_LEVEL_2M, &entry, &state);	// expect: tdx-sept-op-without-write-lock
	if (TDX_BUG_ON_2(status, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
		goto out;

	status = tdh_mem_track(&tdx->td);	// expect: tdx-sept-op-without-write-lock
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);

	status = tdh_mem_page_demote(&tdx->td, gpa, PG_LEVEL_2M, sept_page, &entry, &state);	// expect: tdx-sept-op-without-write-lock
	if (TDX_BUG_ON_2(status, TDH_MEM_PAGE_DEMOTE, entry, state, kvm))
		goto out;
	ret = 0;
out:
	if (!urgent)
		write_unlock(&kvm->mmu_lock);
	return ret;
}
