// litmus: the pointer is looked at in each round, what it is compared with is not
// path: arch/x86/kvm/mmu/tdp_mmu.c
static void tdp_mmu_age(struct kvm *kvm, struct tdp_iter *iter)
{
	u64 new_spte = iter->old_spte & ~shadow_accessed_mask;

	guard(rcu)();
	while (cmpxchg64(rcu_dereference(iter->sptep), iter->old_spte, new_spte) != iter->old_spte)	// expect: kvm-cmpxchg-not-refreshed
		cpu_relax();
}
