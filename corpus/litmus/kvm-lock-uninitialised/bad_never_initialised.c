// litmus: the maker of the structure leaves its mutex out
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
	cache->nr = 0;
	return cache;
}

void cache_fill(struct split_cache *cache)
{
	mutex_lock(&cache->fill_lock);	// expect: kvm-lock-uninitialised
	cache->nr++;
	mutex_unlock(&cache->fill_lock);
}
