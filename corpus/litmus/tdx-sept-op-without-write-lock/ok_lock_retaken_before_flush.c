// litmus: the lock is dropped to allocate and taken again before anything else happens
// path: arch/x86/kvm/vmx/tdx.c
static void bump_epoch(struct kvm *kvm)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status;

	status = tdh_mem_track(&tdx->td);
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
}

int td_prepare_range(struct kvm *kvm, gfn_t start, gfn_t end)
{
	void *table = NULL;
	int ret = 0;
	gfn_t gfn;

	write_lock(&kvm->mmu_lock);
	for (gfn = start; gfn < end; gfn++) {
		while (!table) {
			write_unlock(&kvm->mmu_lock);
			table = alloc_table(kvm);
			write_lock(&kvm->mmu_lock);
			if (!table) {
				ret = -ENOMEM;
				goto out;
			}
		}
		if (use_table(kvm, gfn, table))
			table = NULL;
	}
out:
	bump_epoch(kvm);
	write_unlock(&kvm->mmu_lock);
	free_table(table);
	return ret;
}
