// litmus: guest_memfd compares the size of its own folio and hands out an order
// path: virt/kvm/guest_memfd.c
int gmem_order_at(struct folio *folio, unsigned long index, int *max_order)
{
	unsigned long first = folio_index(folio);

	if (index - first + 1 > folio_nr_pages(folio))
		return -EIO;

	*max_order = IS_ALIGNED(index, folio_nr_pages(folio)) ? folio_order(folio) : 0;
	return 0;
}

bool gmem_is_huge_at(struct folio *folio, unsigned long index)
{
	int order;

	return !gmem_order_at(folio, index, &order) && order > 0;
}
