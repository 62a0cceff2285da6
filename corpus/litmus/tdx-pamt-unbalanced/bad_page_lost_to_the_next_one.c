// path: arch/x86/kvm/vmx/tdx.c
// The page that has an entry is forgotten when the variable takes the next one.
static int td_two_pages(struct vcpu_tdx *tdx)
{
	struct page *page;

	page = alloc_page(GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	if (tdx_pamt_get(page_to_pfn(page))) {
		__free_page(page);
		return -ENOMEM;
	}

	page = alloc_page(GFP_KERNEL_ACCOUNT);	// expect: tdx-pamt-unbalanced
	if (!page)
		return -ENOMEM;
	tdx->vp.tdvpr_page = page;
	return 0;
}
