// litmus: the SPTE is read again
// path: arch/x86/kvm/mmu/tdp_mmu.c
int demote_one(struct kvm *kvm, struct tdp_iter *iter)
{
	u64 huge = iter->old_spte;
	void *table;

	trace_demote(huge);
	write_unlock(&kvm->mmu_lock);
	table = kzalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	write_lock(&kvm->mmu_lock);
	if (!table)
		return -ENOMEM;
	tdp_iter_restart(iter);
	huge = iter->old_spte;
	fill_table(table, huge);
	return 0;
}
