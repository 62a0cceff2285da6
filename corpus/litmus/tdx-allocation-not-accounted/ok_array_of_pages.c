// litmus: the array and its pages are charged
// path: arch/x86/kvm/vmx/tdx.c
static int td_control_pages(struct kvm_tdx *kvm_tdx, int count)
{
	struct page **pages;
	int i;

	pages = kcalloc(count, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	if (!pages)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		pages[i] = alloc_page(GFP_KERNEL_ACCOUNT);
		if (!pages[i])
			return -ENOMEM;
	}
	kvm_tdx->td.tdcs_pages = pages;
	return 0;
}
