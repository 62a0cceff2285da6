// litmus: the operation runs whether or not the trylock succeeded
// path: arch/x86/kvm/vmx/tdx.c
void td_flush_opportunistic(struct kvm *kvm)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	bool locked = write_trylock(&kvm->mmu_lock);
	u64 status;

	if (!locked)
		note_contention(kvm);

	status = tdh_mem_track(&tdx->td);	// expect: tdx-sept-op-without-write-lock
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);

	if (locked)
		write_unlock(&kvm->mmu_lock);
}
