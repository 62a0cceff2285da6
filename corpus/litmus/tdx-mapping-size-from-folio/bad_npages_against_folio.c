// litmus: a huge leaf is refused because its range leaves the folio of its first PFN
// path: arch/x86/kvm/vmx/tdx.c
int td_check_leaf(u64 spte, enum pg_level level)
{
	kvm_pfn_t pfn = spte_to_pfn(spte);
	unsigned long npages = KVM_PAGES_PER_HPAGE(level);
	struct folio *folio;

	folio = page_folio(pfn_to_page(pfn));	// expect: tdx-gmem-pfn-to-page
	if (npages > folio_nr_pages(folio))	// expect: tdx-gmem-pfn-to-page // expect: tdx-mapping-size-from-folio
		return -EINVAL;

	return 0;
}

int td_check_pair(u64 first, u64 second, enum pg_level level)
{
	return td_check_leaf(first, level) || td_check_leaf(second, level);
}
