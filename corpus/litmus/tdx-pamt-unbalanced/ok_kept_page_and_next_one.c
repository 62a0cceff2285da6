// path: arch/x86/kvm/vmx/tdx.c
// The variable goes on to the next page; what it had is in the vCPU, and is put there.
static int td_vcpu_init(struct vcpu_tdx *tdx, int nr)
{
	struct page *page;
	int i, ret;

	page = alloc_page(GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	ret = tdx_pamt_get(page_to_pfn(page));
	if (ret) {
		__free_page(page);
		return ret;
	}
	tdx->vp.tdvpr_page = page;

	for (i = 0; i < nr; i++) {
		page = alloc_page(GFP_KERNEL_ACCOUNT);
		if (!page) {
			ret = -ENOMEM;
			goto free_tdvpr;
		}
		tdx->vp.tdcx_pages[i] = page;
	}
	return 0;

free_tdvpr:
	tdx_pamt_put(page_to_pfn(tdx->vp.tdvpr_page));
	__free_page(tdx->vp.tdvpr_page);
	tdx->vp.tdvpr_page = NULL;
	return ret;
}
