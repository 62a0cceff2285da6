// litmus: a helper takes the lock whose address it is given, for read
// path: arch/x86/kvm/vmx/tdx.c
static void enter(rwlock_t *lock)
{
	read_lock(lock);
}

static void leave(rwlock_t *lock)
{
	read_unlock(lock);
}

void td_new_epoch(struct kvm *kvm)
{
	u64 status;

	enter(&kvm->mmu_lock);
	status = tdh_mem_track(&to_kvm_tdx(kvm)->td);	// expect: tdx-sept-op-without-write-lock
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
	leave(&kvm->mmu_lock);
}
