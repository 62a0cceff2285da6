// litmus: cond_resched_rwlock_write() may drop the lock but returns with it held
// path: arch/x86/kvm/vmx/tdx.c
static void bump_epoch(struct kvm *kvm)
{
	u64 status;

	status = tdh_mem_track(&to_kvm_tdx(kvm)->td);
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
}

void td_flush_each(struct kvm *kvm, gfn_t start, gfn_t end)
{
	gfn_t gfn;

	write_lock(&kvm->mmu_lock);
	for (gfn = start; gfn < end; gfn++) {
		if (rwlock_needbreak(&kvm->mmu_lock))
			cond_resched_rwlock_write(&kvm->mmu_lock);
		if (count_leafs(kvm, gfn))
			bump_epoch(kvm);
	}
	write_unlock(&kvm->mmu_lock);
}
