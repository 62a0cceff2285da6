// litmus: a failed trylock leaves the function
// path: arch/x86/kvm/vmx/tdx.c
int td_flush_nowait(struct kvm *kvm)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	int ret = 0;
	u64 status;

	if (unlikely(!write_trylock(&kvm->mmu_lock)))
		return -EBUSY;

	status = tdh_mem_track(&tdx->td);
	if (TDX_BUG_ON(status, TDH_MEM_TRACK, kvm))
		ret = -EIO;
	else
		kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);

	write_unlock(&kvm->mmu_lock);
	return ret;
}
