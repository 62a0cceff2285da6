// litmus: two arrays of PFNs, and only the one with control pages is turned into pages
// path: arch/x86/kvm/vmx/tdx.c
#define NR_BATCH	16

void td_note_batch(struct kvm *kvm, const u64 *sptes, gfn_t gfn, int nr)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	unsigned long guest[NR_BATCH];
	unsigned long ctl[NR_BATCH];
	int i;

	if (nr > NR_BATCH || nr > tdx->td.tdcs_nr_pages)
		return;

	for (i = 0; i < nr; i++) {
		guest[i] = spte_to_pfn(sptes[i]);
		ctl[i] = page_to_pfn(tdx->td.tdcs_pages[i]);
	}

	for (i = 0; i < nr; i++) {
		pr_debug("frame 0x%lx\n", guest[i]);
		note_page(gfn + i, pfn_to_page(ctl[i]));
	}
}
