// litmus: guest_memfd itself may go from PFN to folio, and other code may do so with PFNs that are not private
// path: virt/kvm/guest_memfd.c
static bool range_is_clean(kvm_pfn_t pfn, unsigned long nr)
{
	struct folio *folio = page_folio(pfn_to_page(pfn));

	return !folio_test_dirty(folio) && folio_nr_pages(folio) >= nr;
}

int gmem_check_range(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn)
{
	struct page *page;
	kvm_pfn_t pfn;
	int order, r;

	r = kvm_gmem_get_pfn(kvm, slot, gfn, &pfn, &page, &order);
	if (r)
		return r;

	r = range_is_clean(pfn, 1UL << order) ? 0 : -EAGAIN;
	put_page(page);
	return r;
}
// path: virt/kvm/pfncache.c
void *cached_mapping(struct gfn_to_pfn_cache *gpc)
{
	if (!pfn_valid(gpc->pfn))
		return NULL;
	return kmap(pfn_to_page(gpc->pfn));
}
