// litmus: the lock is dropped to allocate, and the error path flushes before taking it again
// path: arch/x86/kvm/vmx/tdx.c
static void bump_epoch(struct kvm *kvm)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status;

	status = tdh_mem_track(&tdx->td);	// expect: tdx-sept-op-without-write-lock
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
}

int td_prepare_range(struct kvm *kvm, gfn_t start, gfn_t end)
{
	void *table = NULL;
	gfn_t gfn;

	write_lock(&kvm->mmu_lock);
	for (gfn = start; gfn < end; gfn++) {
		while (!table) {
			write_unlock(&kvm->mmu_lock);
			table = alloc_table(kvm);
			if (!table) {
				bump_epoch(kvm);
				return -ENOMEM;
			}
			write_lock(&kvm->mmu_lock);
		}
		if (use_table(kvm, gfn, table))
			table = NULL;
	}
	bump_epoch(kvm);
	write_unlock(&kvm->mmu_lock);
	free_table(table);
	return 0;
}
