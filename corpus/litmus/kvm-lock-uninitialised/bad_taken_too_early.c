// litmus: the maker takes the lock before it initialises it
// path: arch/x86/kvm/mmu/tdp_mmu.c
struct split_cache {
	spinlock_t fill_lock;
	int nr;
};

void cache_make(struct split_cache *cache)
{
	spin_lock(&cache->fill_lock);	// expect: kvm-lock-uninitialised "before it is initialised"
	cache->nr = 1;
	spin_unlock(&cache->fill_lock);
	spin_lock_init(&cache->fill_lock);
}
