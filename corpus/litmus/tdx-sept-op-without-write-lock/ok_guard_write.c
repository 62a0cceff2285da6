// litmus: the guard of the caller is the write side
// path: arch/x86/kvm/vmx/tdx.c
static int bump_epoch(struct kvm *kvm)
{
	u64 status;

	status = tdh_mem_track(&to_kvm_tdx(kvm)->td);
	if (TDX_BUG_ON(status, TDH_MEM_TRACK, kvm))
		return -EIO;

	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
	return 0;
}

int td_flush_slot(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	guard(write_lock)(&kvm->mmu_lock);

	if (!slot->npages)
		return 0;
	return bump_epoch(kvm);
}
