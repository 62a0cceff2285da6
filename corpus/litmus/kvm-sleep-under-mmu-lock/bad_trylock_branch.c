// litmus: the branch on which the lock was taken sleeps
// path: arch/x86/kvm/mmu/tdp_mmu.c
bool try_reclaim(struct kvm *kvm)
{
	if (!write_trylock(&kvm->mmu_lock))
		return false;
	synchronize_rcu();	// expect: kvm-sleep-under-mmu-lock
	write_unlock(&kvm->mmu_lock);
	return true;
}
