// litmus: the module's size constants index PAMT tables and are compared with a size the module returned
// path: arch/x86/virt/vmx/tdx/tdx.c
struct pamt_plan {
	unsigned long size[TDX_PS_NR];
	unsigned long base[TDX_PS_NR];
};

static void place_pamt(struct pamt_plan *plan, unsigned long start)
{
	int ps;

	for (ps = TDX_PS_4K; ps < TDX_PS_NR; ps++) {
		plan->base[ps] = start;
		start += plan->size[ps];
	}
}

int tdx_reclaim_checked(struct page *page, struct pamt_plan *plan)
{
	u64 pt, owner, size;

	if (tdh_phymem_page_reclaim(page, &pt, &owner, &size))
		return -EIO;
	if (size != TDX_PS_4K)
		return -EINVAL;

	place_pamt(plan, page_to_phys(page));
	return 0;
}
