// litmus: a goto leaves between the call and the test of its result
// path: arch/x86/kvm/vmx/tdx.c
static int install(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status, entry, state;
	int ret = 0;

	status = tdh_mem_page_aug(&tdx->td, gfn_to_gpa(gfn), PG_LEVEL_4K, pfn, &entry, &state);	// expect: tdx-external-op-result-dropped
	if (tdx->wait_for_sept_zap)
		goto out;
	if (TDX_BUG_ON_2(status, TDH_MEM_PAGE_AUG, entry, state, kvm))
		ret = -EIO;
out:
	note_change(kvm, gfn);
	return ret;
}

int td_fault_in(struct kvm *kvm, gfn_t gfn, u64 spte)
{
	int r;

	read_lock(&kvm->mmu_lock);
	r = install(kvm, gfn, spte_to_pfn(spte));
	read_unlock(&kvm->mmu_lock);
	return r;
}
