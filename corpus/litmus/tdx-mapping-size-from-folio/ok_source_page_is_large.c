// litmus: the page that userspace gives as source may be asked for its folio
// path: arch/x86/kvm/vmx/tdx.c
int tdx_note_populate(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, struct page *src_page, void *arg)
{
	struct folio *folio = page_folio(src_page);

	if (folio_test_large(folio) || folio_nr_pages(folio) > 1)
		pr_debug("large source for %lx\n", pfn);

	return 0;
}
