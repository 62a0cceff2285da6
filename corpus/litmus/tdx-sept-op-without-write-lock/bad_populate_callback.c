// litmus: a callback given to kvm_gmem_populate() advances the epoch, with slots_lock and no mmu_lock
// path: arch/x86/kvm/vmx/tdx.c
static int fill_and_flush(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, struct page *src_page, void *opaque)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status;

	status = tdh_mem_track(&tdx->td);	// expect: tdx-sept-op-without-write-lock
	if (TDX_BUG_ON(status, TDH_MEM_TRACK, kvm))
		return -EIO;

	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
	return seal_frame(kvm, gfn, pfn, src_page, opaque);
}

long td_fill_range(struct kvm *kvm, gfn_t gfn, void __user *src, long nr)
{
	long done;

	mutex_lock(&kvm->slots_lock);
	done = kvm_gmem_populate(kvm, gfn, src, nr, false, fill_and_flush, NULL);
	mutex_unlock(&kvm->slots_lock);
	return done;
}
