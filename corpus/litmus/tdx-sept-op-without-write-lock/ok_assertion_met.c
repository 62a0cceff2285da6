// litmus: the assertion demands the write side, and the callers two frames up hold it
// path: arch/x86/kvm/vmx/tdx.c
void td_bump_epoch(struct kvm *kvm)
{
	u64 status;

	lockdep_assert_held_write(&kvm->mmu_lock);

	status = tdh_do_no_vcpus(tdh_mem_track, kvm, &to_kvm_tdx(kvm)->td);
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
}
// path: arch/x86/kvm/mmu/mmu.c
static void flush_if_dirty(struct kvm *kvm, bool dirty)
{
	lockdep_assert_held(&kvm->mmu_lock);

	if (dirty)
		td_bump_epoch(kvm);
}

void flush_after_unmap(struct kvm *kvm, bool dirty)
{
	write_lock(&kvm->mmu_lock);
	flush_if_dirty(kvm, dirty);
	write_unlock(&kvm->mmu_lock);
}

void flush_after_convert(struct kvm *kvm)
{
	guard(write_lock)(&kvm->mmu_lock);
	flush_if_dirty(kvm, true);
}
