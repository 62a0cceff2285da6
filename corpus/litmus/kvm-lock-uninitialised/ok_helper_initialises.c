// litmus: a helper initialises the lock it is given
// path: arch/x86/kvm/mmu/tdp_mmu.c
struct split_cache {
	spinlock_t fill_lock;
	int nr;
};

static void setup_lock(spinlock_t *lock)
{
	spin_lock_init(lock);
}

void cache_make(struct split_cache *cache)
{
	setup_lock(&cache->fill_lock);
	spin_lock(&cache->fill_lock);
	cache->nr = 1;
	spin_unlock(&cache->fill_lock);
}
