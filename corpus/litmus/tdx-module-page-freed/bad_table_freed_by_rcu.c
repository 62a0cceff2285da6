// litmus: an RCU callback frees a table that nobody reclaimed
// path: arch/x86/kvm/mmu/tdp_mmu.c
static void mmu_free_page_rcu(struct rcu_head *head)
{
	struct kvm_mmu_page *sp = container_of(head, struct kvm_mmu_page, rcu_head);

	free_page((unsigned long)sp->external_spt);	// expect: tdx-module-page-freed
	free_page((unsigned long)sp->spt);
}
