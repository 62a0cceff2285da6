// litmus: the branch on which it was not
// path: arch/x86/kvm/mmu/tdp_mmu.c
bool try_reclaim(struct kvm *kvm)
{
	if (!write_trylock(&kvm->mmu_lock)) {
		synchronize_rcu();
		return false;
	}
	write_unlock(&kvm->mmu_lock);
	return true;
}
