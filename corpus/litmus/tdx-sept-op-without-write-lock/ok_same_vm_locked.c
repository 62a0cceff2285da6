// litmus: of two VMs the one whose lock is held for write is the one operated on
// path: arch/x86/kvm/vmx/tdx.c
static void bump_epoch(struct kvm *kvm)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status;

	status = tdh_mem_track(&tdx->td);
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
}

void td_move_ownership(struct kvm *dst, struct kvm *src)
{
	read_lock(&dst->mmu_lock);
	note_owner(dst);
	read_unlock(&dst->mmu_lock);

	write_lock(&src->mmu_lock);
	bump_epoch(src);
	write_unlock(&src->mmu_lock);
}
