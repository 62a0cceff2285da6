// litmus: a huge leaf is demoted after BLOCK, TRACK and kick; no flush or reset is due, the page stays mapped
// path: arch/x86/kvm/vmx/tdx.c
int td_break_leaf(struct kvm *kvm, gfn_t gfn, struct kvm_mmu_page *sp)
{
	struct page *sept_page = virt_to_page(sp->external_spt);
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	gpa_t gpa = gfn_to_gpa(gfn);
	u64 status, entry, state;
	int ret = -EIO;

	write_lock(&kvm->mmu_lock);
	status = tdh_do_no_vcpus(tdh_mem_range_block, kvm, &tdx->td, gpa, PG_LEVEL_2M, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
		goto out;

	status = tdh_do_no_vcpus(tdh_mem_track, kvm, &tdx->td);
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);

	status = tdh_do_no_vcpus(tdh_mem_page_demote, kvm, &tdx->td, gpa, PG_LEVEL_2M, sept_page, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_PAGE_DEMOTE, entry, state, kvm))
		goto out;
	ret = 0;
out:
	write_unlock(&kvm->mmu_lock);
	return ret;
}
