// litmus: the assertion demands the write side, and one of two callers holds the read side
// path: arch/x86/kvm/vmx/tdx.c
void td_bump_epoch(struct kvm *kvm)
{
	u64 status;

	lockdep_assert_held_write(&kvm->mmu_lock);

	status = tdh_mem_track(&to_kvm_tdx(kvm)->td);	// expect: tdx-sept-op-without-write-lock
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
}
// path: arch/x86/kvm/mmu/mmu.c
void flush_after_unmap(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	td_bump_epoch(kvm);
	write_unlock(&kvm->mmu_lock);
}

void flush_after_fault(struct kvm *kvm)
{
	read_lock(&kvm->mmu_lock);
	td_bump_epoch(kvm);
	read_unlock(&kvm->mmu_lock);
}
