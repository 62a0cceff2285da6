// litmus: the maker initialises it
// path: arch/x86/kvm/mmu/tdp_mmu.c
struct split_cache {
	struct mutex fill_lock;
	int nr;
};

struct split_cache *cache_make(void)
{
	struct split_cache *cache = kzalloc(sizeof(*cache), GFP_KERNEL_ACCOUNT);

	if (!cache)
		return NULL;
	mutex_init(&cache->fill_lock);
	return cache;
}

void cache_fill(struct split_cache *cache)
{
	mutex_lock(&cache->fill_lock);
	cache->nr++;
	mutex_unlock(&cache->fill_lock);
}
