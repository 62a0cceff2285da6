// litmus: the page is dropped, and looked at before; and a page of a lookup that gives it is made once more
// path: arch/x86/kvm/svm/sev.c
void handle_fault(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn)
{
	struct page *page;
	kvm_pfn_t pfn;
	int order;

	if (kvm_gmem_get_pfn(kvm, slot, gfn, &pfn, &order))
		return;
	page = pfn_to_page(pfn);  // expect: tdx-gmem-pfn-to-page
	if (PageReserved(page))  // expect: tdx-gmem-pfn-to-page
		smash(pfn);
	put_page(page);
}

void handle_other(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn)
{
	struct page *page;
	kvm_pfn_t pfn;

	if (kvm_gmem_get_pfn(kvm, slot, gfn, &pfn, &page, NULL))
		return;
	put_page(pfn_to_page(pfn));  // expect: tdx-gmem-pfn-to-page
}
