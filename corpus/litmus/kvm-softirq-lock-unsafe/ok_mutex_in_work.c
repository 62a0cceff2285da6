// litmus: a mutex in a work item
// path: arch/x86/kvm/mmu/tdp_mmu.c
static DEFINE_MUTEX(pamt_mutex);

static void table_freed(struct work_struct *work)
{
	mutex_lock(&pamt_mutex);
	free_table(work);
	mutex_unlock(&pamt_mutex);
}

void table_drop(struct kvm_mmu_page *sp)
{
	INIT_WORK(&sp->work, table_freed);
}
