// litmus: the use is behind the block of the guard
// path: arch/x86/kvm/mmu/tdp_mmu.c
u64 peek(struct kvm *kvm, tdp_ptep_t sptep)
{
	u64 spte = 0;

	scoped_guard(rcu)
		count_reader(kvm);
	spte = READ_ONCE(*rcu_dereference(sptep));	// expect: kvm-rcu-scope-left
	return spte;
}
