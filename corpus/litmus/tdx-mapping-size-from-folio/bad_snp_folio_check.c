// litmus: SNP code compares the page count of a level with that of a folio
// path: arch/x86/kvm/svm/sev.c
static bool level_fits(struct folio *folio, unsigned long idx, int level)
{
	return idx + KVM_PAGES_PER_HPAGE(level) <= folio_nr_pages(folio);	// expect: tdx-mapping-size-from-folio
}

int snp_pick_level(struct folio *folio, unsigned long idx)
{
	return level_fits(folio, idx, PG_LEVEL_2M) ? PG_LEVEL_2M : PG_LEVEL_4K;
}

int snp_check_leaf(struct folio *folio, unsigned long idx, int level)
{
	return level_fits(folio, idx, level) ? 0 : -EINVAL;
}
