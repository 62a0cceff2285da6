// litmus: nobody is shown who takes the lock, an assertion says that it is held
// path: arch/x86/kvm/mmu/tdp_mmu.c
int refill(struct kvm *kvm, struct kvm_mmu_memory_cache *cache)
{
	lockdep_assert_held_write(&kvm->mmu_lock);
	return kvm_mmu_topup_memory_cache(cache, 1);	// expect: kvm-sleep-under-mmu-lock
}
EXPORT_SYMBOL_GPL(refill);
