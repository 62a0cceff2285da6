// litmus: a lock of the same name in another structure is initialised
// path: arch/x86/kvm/mmu/tdp_mmu.c
struct split_cache {
	spinlock_t fill_lock;
	int nr;
};

struct split_cache *cache_make(void)
{
	struct split_cache *cache = kzalloc(sizeof(*cache), GFP_KERNEL_ACCOUNT);

	if (!cache)
		return NULL;
	cache->nr = 0;
	return cache;
}

void cache_fill(struct split_cache *cache)
{
	spin_lock(&cache->fill_lock);	// expect: kvm-lock-uninitialised
	cache->nr++;
	spin_unlock(&cache->fill_lock);
}

struct other_cache {
	spinlock_t fill_lock;
};

void other_make(struct other_cache *other)
{
	spin_lock_init(&other->fill_lock);
}
