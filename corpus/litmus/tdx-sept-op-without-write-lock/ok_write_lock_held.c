// litmus: the TD epoch is advanced by two callers, both exclusive: write_lock() and KVM_MMU_LOCK()
// path: arch/x86/kvm/vmx/tdx.c
static void bump_epoch(struct kvm *kvm)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status;

	status = tdh_mem_track(&tdx->td);
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
}

void td_flush_private(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	bump_epoch(kvm);
	write_unlock(&kvm->mmu_lock);
}

void td_flush_private_all(struct kvm *kvm)
{
	KVM_MMU_LOCK(kvm);
	bump_epoch(kvm);
	KVM_MMU_UNLOCK(kvm);
}
