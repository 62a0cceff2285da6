// litmus: the lock held for write belongs to the other VM
// path: arch/x86/kvm/vmx/tdx.c
static void bump_epoch(struct kvm *kvm)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status;

	status = tdh_mem_track(&tdx->td);	// todo: expect: tdx-sept-op-without-write-lock
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
}

void td_move_ownership(struct kvm *dst, struct kvm *src)
{
	write_lock(&dst->mmu_lock);
	bump_epoch(src);
	write_unlock(&dst->mmu_lock);
}
