// litmus: PFNs are collected in an array and turned into pages by physical address in a second loop
// path: arch/x86/kvm/vmx/tdx.c
#define NR_BATCH	16

void td_note_batch(const u64 *sptes, gfn_t gfn, int nr)
{
	kvm_pfn_t pfns[NR_BATCH];
	int i;

	if (nr > NR_BATCH)
		return;

	for (i = 0; i < nr; i++)
		pfns[i] = spte_to_pfn(sptes[i]);

	for (i = 0; i < nr; i++)
		note_page(gfn + i, phys_to_page(PFN_PHYS(pfns[i])));	// expect: tdx-gmem-pfn-to-page
}
