// litmus: a void helper stores the result in a variable that is never used
// path: arch/x86/kvm/vmx/tdx.c
static void bump_epoch(struct kvm *kvm)
{
	u64 __maybe_unused status;

	status = tdh_mem_track(&to_kvm_tdx(kvm)->td);	// expect: tdx-external-op-result-dropped
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
}

void td_flush_private(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	bump_epoch(kvm);
	write_unlock(&kvm->mmu_lock);
}
