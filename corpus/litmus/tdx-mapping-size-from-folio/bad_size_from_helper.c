// litmus: a helper measures the folio, its caller compares the count with that of the level
// path: arch/x86/kvm/vmx/tdx.c
static unsigned long backing_pages(kvm_pfn_t pfn)
{
	return folio_nr_pages(pfn_folio(pfn));	// expect: tdx-gmem-pfn-to-page
}

bool td_leaf_fits(u64 spte, enum pg_level level)
{
	return KVM_PAGES_PER_HPAGE(level) <= backing_pages(spte_to_pfn(spte));	// expect: tdx-mapping-size-from-folio
}

int td_accept_leaf(u64 spte, enum pg_level level)
{
	return td_leaf_fits(spte, level) ? 0 : -EINVAL;
}
