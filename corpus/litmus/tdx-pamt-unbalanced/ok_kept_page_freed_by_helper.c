// path: arch/x86/kvm/vmx/tdx.c
// All pages of the vCPU have an entry, and a helper puts that of each before it frees the page.
static struct page *td_control_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL_ACCOUNT);

	if (!page)
		return NULL;
	if (tdx_pamt_get(page_to_pfn(page))) {
		__free_page(page);
		return NULL;
	}
	return page;
}

static void td_control_page_free(struct page *page)
{
	tdx_pamt_put(page_to_pfn(page));
	__free_page(page);
}

static int td_vcpu_init(struct vcpu_tdx *tdx, int nr)
{
	struct page *page;
	int i;

	for (i = 0; i < nr; i++) {
		page = td_control_page();
		if (!page)
			goto free_tdcx;
		tdx->spares[i] = page;
	}
	return 0;

free_tdcx:
	for (i = 0; i < nr; i++) {
		if (tdx->spares[i])
			td_control_page_free(tdx->spares[i]);
		tdx->spares[i] = NULL;
	}
	return -ENOMEM;
}
