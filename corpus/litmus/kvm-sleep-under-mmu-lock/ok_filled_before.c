// litmus: the cache is filled before the lock is taken
// path: arch/x86/kvm/mmu/tdp_mmu.c
int refill(struct kvm *kvm, struct kvm_mmu_memory_cache *cache)
{
	void *obj;
	int r = kvm_mmu_topup_memory_cache(cache, 1);

	if (r)
		return r;
	write_lock(&kvm->mmu_lock);
	obj = kvm_mmu_memory_cache_alloc(cache);
	link_object(kvm, obj);
	write_unlock(&kvm->mmu_lock);
	return 0;
}
