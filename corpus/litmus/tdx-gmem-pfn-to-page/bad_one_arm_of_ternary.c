// litmus: one arm of a conditional expression is a guest PFN, the other a table
// path: arch/x86/kvm/mmu/tdp_mmu.c
void note_entry(struct kvm_mmu_page *sp, gfn_t gfn, u64 spte, int level)
{
	unsigned long pfn;

	pfn = is_last_spte(spte, level) ? spte_to_pfn(spte) : page_to_pfn(virt_to_page(sp->spt));
	note_page(gfn, pfn_to_page(pfn));	// expect: tdx-gmem-pfn-to-page
}

void note_table(struct kvm_mmu_page *sp, int level)
{
	int i;

	for (i = 0; i < SPTE_ENT_PER_PAGE; i++)
		note_entry(sp, sp->gfn + i, sp->spt[i], level);
}
