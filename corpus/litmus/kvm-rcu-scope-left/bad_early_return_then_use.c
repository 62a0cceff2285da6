// litmus: the section is left in a branch that goes on
// path: arch/x86/kvm/mmu/tdp_mmu.c
u64 peek(struct kvm *kvm, tdp_ptep_t sptep, bool quick)
{
	u64 spte;

	rcu_read_lock();
	if (quick)
		rcu_read_unlock();
	spte = READ_ONCE(*rcu_dereference(sptep));	// expect: kvm-rcu-scope-left
	if (!quick)
		rcu_read_unlock();
	return spte;
}
