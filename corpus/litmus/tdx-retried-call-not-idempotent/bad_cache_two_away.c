// litmus: a page is taken from a cache two helpers away, and freed on failure
// path: arch/x86/virt/vmx/tdx/tdx.c
static struct page *cache_take(struct tdx_cache *cache)
{
	struct page *page = list_first_entry(&cache->pages, struct page, lru);

	list_del(&page->lru);
	cache->nr--;
	return page;
}

static struct page *cache_take_one(struct tdx_cache *cache)
{
	return cache_take(cache);
}

u64 tdh_mem_attr_wr(struct tdx_td *td, u64 gpa)
{
	struct page *page = cache_take_one(td->cache);	// expect: tdx-retried-call-not-idempotent
	struct tdx_module_args args = { .rcx = gpa, .rdx = page_to_phys(page) };
	u64 ret;

	ret = seamcall(TDH_MEM_ATTR_WR, &args);
	if (ret)
		__free_page(page);
	return ret;
}

int run(struct kvm *kvm, struct kvm_tdx *tdx, u64 gpa)
{
	u64 err;

	err = tdh_do_no_vcpus(tdh_mem_attr_wr, kvm, &tdx->td, gpa);
	return err ? -EIO : 0;
}
