// litmus: the unwinding walks back over the pages that were added
// path: arch/x86/kvm/vmx/tdx.c
static int td_add_pages(struct kvm *kvm, struct kvm_tdx *kvm_tdx, int count)
{
	struct page **pages;
	u64 err;
	int i;

	pages = kcalloc(count, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	if (!pages)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		pages[i] = alloc_page(GFP_KERNEL_ACCOUNT);
		if (!pages[i])
			goto free_all;
	}

	kvm_tdx->td.tdcs_pages = pages;
	for (i = 0; i < count; i++) {
		err = tdh_mng_addcx(&kvm_tdx->td, pages[i]);
		if (TDX_BUG_ON(err, TDH_MNG_ADDCX, kvm))
			goto teardown;
	}
	return 0;

teardown:
	while (i-- > 0) {
		__free_page(pages[i]);	// expect: tdx-module-page-freed
		pages[i] = NULL;
	}
	return -EIO;

free_all:
	while (i--)
		__free_page(pages[i]);
	kfree(pages);
	return -ENOMEM;
}
