// litmus: whether the page is a large one decides, by an order that is not compared
// path: arch/x86/kvm/svm/sev.c
int sev_gmem_max_mapping_level(struct kvm *kvm, kvm_pfn_t pfn, bool is_private)
{
	struct page *page = pfn_to_page(pfn);	// expect: tdx-gmem-pfn-to-page
	return compound_order(page) ? PG_LEVEL_2M : PG_LEVEL_4K;	// expect: tdx-gmem-pfn-to-page // expect: tdx-mapping-size-from-folio
}
