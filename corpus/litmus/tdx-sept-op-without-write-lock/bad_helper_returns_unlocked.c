// litmus: a helper called under the lock drops it and does not take it again when it fails
// path: arch/x86/kvm/vmx/tdx.c
static int refill_table(struct kvm *kvm, void **table)
{
	write_unlock(&kvm->mmu_lock);
	*table = alloc_table(kvm);
	if (!*table)
		return -ENOMEM;
	write_lock(&kvm->mmu_lock);
	return 0;
}

int td_use_table(struct kvm *kvm, gfn_t gfn)
{
	void *table = NULL;
	u64 status;
	int r;

	write_lock(&kvm->mmu_lock);
	r = refill_table(kvm, &table);

	status = tdh_mem_track(&to_kvm_tdx(kvm)->td);	// expect: tdx-sept-op-without-write-lock
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
	if (r)
		return r;

	use_table(kvm, gfn, table);
	write_unlock(&kvm->mmu_lock);
	return 0;
}
