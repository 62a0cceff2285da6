// litmus: the lock mode follows a parameter that every caller passes as false
// path: arch/x86/kvm/vmx/tdx.c
static void flush_by_mode(struct kvm *kvm, bool shared)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status;

	if (shared)
		read_lock(&kvm->mmu_lock);
	else
		write_lock(&kvm->mmu_lock);

	status = tdh_mem_track(&tdx->td);
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);

	if (shared)
		read_unlock(&kvm->mmu_lock);
	else
		write_unlock(&kvm->mmu_lock);
}

void td_flush_on_unmap(struct kvm *kvm)
{
	flush_by_mode(kvm, false);
}

void td_flush_on_convert(struct kvm *kvm)
{
	flush_by_mode(kvm, false);
}
