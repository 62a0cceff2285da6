// path: arch/x86/kvm/vmx/tdx.c
// The same for a page that the call frees again, a cache on the stack, and flags that charge.
static int td_alloc_page(unsigned long *page, gfp_t gfp)
{
	*page = __get_free_page(gfp);
	return *page ? 0 : -ENOMEM;
}

static int td_read(struct kvm_tdx *kvm_tdx)
{
	struct kvm_mmu_memory_cache cache = {};
	unsigned long page;

	cache.gfp_custom = GFP_KERNEL;
	if (kvm_mmu_topup_memory_cache(&cache, 1) || td_alloc_page(&page, GFP_KERNEL))
		return -ENOMEM;
	free_page(page);
	return 0;
}

static int td_init(struct kvm_tdx *kvm_tdx)
{
	kvm_tdx->split_cache.gfp_custom = GFP_KERNEL_ACCOUNT;
	kvm_tdx->split_cache.gfp_zero = __GFP_ZERO;
	return kvm_mmu_topup_memory_cache(&kvm_tdx->split_cache, 5);
}
