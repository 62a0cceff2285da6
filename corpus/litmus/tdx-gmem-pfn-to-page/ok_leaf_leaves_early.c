// litmus: leafs leave the function before the table's own page is looked up
// path: arch/x86/kvm/mmu/tdp_mmu.c
void note_entry(struct kvm_mmu_page *sp, gfn_t gfn, u64 spte, int level)
{
	unsigned long pfn = 0;

	if (is_last_spte(spte, level)) {
		pfn = spte_to_pfn(spte);
		pr_debug("leaf 0x%lx\n", pfn);
		return;
	}

	if (!pfn)
		pfn = page_to_pfn(virt_to_page(sp->spt));
	note_page(gfn, pfn_to_page(pfn));
}
