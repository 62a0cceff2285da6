// litmus: a copy of the SPTE is used after the lock was dropped and taken again
// path: arch/x86/kvm/mmu/tdp_mmu.c
int demote_one(struct kvm *kvm, struct tdp_iter *iter)
{
	u64 huge = iter->old_spte;
	void *table;

	write_unlock(&kvm->mmu_lock);
	table = kzalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	write_lock(&kvm->mmu_lock);
	if (!table)
		return -ENOMEM;
	fill_table(table, huge);	// expect: kvm-sleep-under-mmu-lock "used after the lock was dropped"
	return 0;
}
