// litmus: the variant for writers needs no section
// path: arch/x86/kvm/mmu/tdp_mmu.c
u64 peek(struct kvm *kvm, tdp_ptep_t sptep)
{
	u64 spte;

	write_lock(&kvm->mmu_lock);
	spte = READ_ONCE(*rcu_dereference_protected(sptep, lockdep_is_held(&kvm->mmu_lock)));
	write_unlock(&kvm->mmu_lock);
	return spte;
}
