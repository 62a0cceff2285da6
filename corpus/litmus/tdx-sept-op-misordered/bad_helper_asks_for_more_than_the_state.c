// litmus: a helper that says no for a TD that runs on one vCPU, too: its translations stay
// path: arch/x86/kvm/vmx/tdx.c
static bool td_may_run(struct kvm_tdx *tdx)
{
	return tdx->state == TD_STATE_RUNNABLE && atomic_read(&tdx->kvm.online_vcpus) > 1;
}

static void end_epoch(struct kvm *kvm)
{
	u64 status;

	lockdep_assert_held_write(&kvm->mmu_lock);
	status = tdh_do_no_vcpus(tdh_mem_track, kvm, &to_kvm_tdx(kvm)->td);
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
}

static int take_away(struct kvm *kvm, gpa_t gpa, kvm_pfn_t pfn)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status, entry, state;

	lockdep_assert_held_write(&kvm->mmu_lock);
	status = tdh_do_no_vcpus(tdh_mem_page_remove, kvm, &tdx->td, gpa, PG_LEVEL_4K, &entry, &state);  // expect: tdx-sept-op-misordered
	if (TDX_BUG_ON_2(status, TDH_MEM_PAGE_REMOVE, entry, state, kvm))
		return -EIO;
	status = tdh_phymem_page_wbinvd_hkid((u16)tdx->hkid, pfn);
	if (TDX_BUG_ON(status, TDH_PHYMEM_PAGE_WBINVD, kvm))
		return -EIO;
	tdx_quirk_reset_paddr(PFN_PHYS(pfn), PAGE_SIZE);
	return 0;
}

int remove_by_helper(struct kvm *kvm, gpa_t gpa, kvm_pfn_t pfn)
{
	u64 status, entry, state;

	guard(write_lock)(&kvm->mmu_lock);
	status = tdh_do_no_vcpus(tdh_mem_range_block, kvm, &to_kvm_tdx(kvm)->td, gpa, PG_LEVEL_4K, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
		return -EIO;
	if (td_may_run(to_kvm_tdx(kvm)))
		end_epoch(kvm);
	return take_away(kvm, gpa, pfn);
}
