// path: arch/x86/kvm/vmx/tdx.c
// A helper stores where its caller says: in the TD; a cache of the TD has flags of its own.
static int td_alloc_spare(unsigned long *page)
{
	*page = __get_free_page(GFP_KERNEL);	// expect: tdx-allocation-not-accounted
	return *page ? 0 : -ENOMEM;
}

static int td_init(struct kvm_tdx *kvm_tdx)
{
	kvm_tdx->split_cache.gfp_custom = GFP_KERNEL;	// expect: tdx-allocation-not-accounted
	if (kvm_mmu_topup_memory_cache(&kvm_tdx->split_cache, 5))
		return -ENOMEM;
	return td_alloc_spare(&kvm_tdx->spare);
}
