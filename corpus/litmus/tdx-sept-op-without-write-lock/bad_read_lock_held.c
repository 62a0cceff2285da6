// litmus: the TD epoch is advanced while only the read side of mmu_lock is held
// path: arch/x86/kvm/vmx/tdx.c
static void bump_epoch(struct kvm *kvm)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status;

	status = tdh_mem_track(&tdx->td);	// expect: tdx-sept-op-without-write-lock
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
}

void td_flush_private(struct kvm *kvm)
{
	read_lock(&kvm->mmu_lock);
	bump_epoch(kvm);
	read_unlock(&kvm->mmu_lock);
}
