// litmus: a helper that is handed the error of BLOCK says that nothing was mapped, which it says of a failure only
// path: arch/x86/kvm/vmx/tdx.c
static bool never_added(struct kvm_tdx *tdx, u64 err, u64 entry)
{
	if (!err || tdx->state == TD_STATE_RUNNABLE)
		return false;

	return !(entry & VMX_EPT_RWX_MASK);
}

static int block(struct kvm *kvm, struct kvm_tdx *tdx, gpa_t gpa)
{
	u64 err, entry, state;

	err = tdh_mem_range_block(&tdx->td, gpa, PG_LEVEL_4K, &entry, &state);
	if (never_added(tdx, err, entry))
		return 0;
	if (KVM_BUG_ON(err, kvm))
		return -EIO;
	return 1;
}

int drop(struct kvm *kvm, struct kvm_tdx *tdx, gpa_t gpa, struct page *page)
{
	u64 entry, state;
	int ret;

	guard(write_lock)(&kvm->mmu_lock);

	ret = block(kvm, tdx, gpa);
	if (ret <= 0)
		return ret;
	tdx_track(kvm);
	if (KVM_BUG_ON(tdh_mem_page_remove(&tdx->td, gpa, PG_LEVEL_4K, &entry, &state), kvm))
		return -EIO;
	if (KVM_BUG_ON(tdh_phymem_page_wbinvd_hkid(tdx->hkid, page), kvm))
		return -EIO;
	tdx_quirk_reset_page(page);
	return 0;
}
