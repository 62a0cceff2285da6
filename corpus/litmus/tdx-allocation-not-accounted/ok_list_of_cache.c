// litmus: pages on the list of a cache of the TD are charged
// path: arch/x86/kvm/vmx/tdx.c
static int td_fill_cache(struct kvm *kvm, int count)
{
	struct td_page_cache *cache = &to_kvm_tdx(kvm)->split_cache;

	while (cache->count < count) {
		struct page *page = alloc_page(GFP_KERNEL_ACCOUNT);

		if (!page)
			return -ENOMEM;
		list_add(&page->lru, &cache->pages);
		cache->count++;
	}
	return 0;
}
