// litmus: pages that are allocated in one call, and freed before the operation ends
// path: arch/x86/kvm/vmx/tdx.c
int copy_through_pages(struct kvm_vcpu *vcpu, struct page **pages, int nr)
{
	struct page *bounce[4] = {};
	unsigned long got = alloc_pages_bulk(GFP_KERNEL, 4, bounce);
	unsigned long i;

	for (i = 0; i < got; i++)
		copy_page(page_address(bounce[i]), page_address(pages[i]));
	for (i = 0; i < got; i++)
		__free_page(bounce[i]);
	return got == 4 ? 0 : -ENOMEM;
}
