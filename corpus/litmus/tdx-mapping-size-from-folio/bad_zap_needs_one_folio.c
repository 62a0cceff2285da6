// litmus: a zap fails when the mapping is no longer backed by one folio, which may have been split meanwhile
// path: arch/x86/kvm/vmx/tdx.c
static int leaf_in_one_folio(kvm_pfn_t pfn, enum pg_level level)
{
	unsigned long size = page_level_size(level);
	struct page *page = pfn_to_page(pfn);	// expect: tdx-gmem-pfn-to-page
	struct folio *folio = page_folio(page);	// expect: tdx-gmem-pfn-to-page

	return size <= folio_size(folio);	// expect: tdx-gmem-pfn-to-page // expect: tdx-mapping-size-from-folio
}

int td_zap_check(struct kvm *kvm, u64 spte, enum pg_level level)
{
	if (KVM_BUG_ON(!leaf_in_one_folio(spte_to_pfn(spte), level), kvm))
		return -EIO;
	return 0;
}
