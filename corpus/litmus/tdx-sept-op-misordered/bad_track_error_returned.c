// litmus: a failed TRACK is returned to the caller with the entry still blocked and the VM alive
// path: arch/x86/kvm/vmx/tdx.c
int td_break_leaf(struct kvm *kvm, gfn_t gfn, struct kvm_mmu_page *sp)
{
	struct page *sept_page = virt_to_page(sp->external_spt);
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	gpa_t gpa = gfn_to_gpa(gfn);
	u64 status, entry, state;

	guard(write_lock)(&kvm->mmu_lock);

	status = tdh_mem_range_block(&tdx->td, gpa, PG_LEVEL_2M, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
		return -EIO;

	status = tdh_mem_track(&tdx->td);
	if (unlikely(status))
		return -EBUSY;	// expect: tdx-sept-op-misordered
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);

	status = tdh_mem_page_demote(&tdx->td, gpa, PG_LEVEL_2M, sept_page, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_PAGE_DEMOTE, entry, state, kvm))
		return -EIO;
	return 0;
}
