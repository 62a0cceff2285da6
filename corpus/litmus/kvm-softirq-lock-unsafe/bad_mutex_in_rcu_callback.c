// litmus: a mutex in an RCU callback
// path: arch/x86/kvm/mmu/tdp_mmu.c
static DEFINE_MUTEX(pamt_mutex);

static void table_freed(struct rcu_head *head)
{
	mutex_lock(&pamt_mutex);	// expect: kvm-softirq-lock-unsafe "where nothing may sleep"
	free_table(head);
	mutex_unlock(&pamt_mutex);
}

void table_drop(struct kvm_mmu_page *sp)
{
	call_rcu(&sp->rcu_head, table_freed);
}
