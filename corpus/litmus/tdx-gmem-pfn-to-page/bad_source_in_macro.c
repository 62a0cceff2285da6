// litmus: a macro reads the PFN, a switch with fallthrough and a goto carry it to the folio
// path: arch/x86/kvm/vmx/tdx.c
#define leaf_frame(spte, off)	(spte_to_pfn(spte) + (off))

void td_note_leaf(u64 spte, enum pg_level level)
{
	unsigned long frame = 0;
	struct folio *folio;

	switch (level) {
	case PG_LEVEL_2M:
		frame = leaf_frame(spte, 0);
		fallthrough;
	case PG_LEVEL_1G:
		goto look;
	default:
		return;
	}
look:
	if (!frame)
		return;
	folio = page_folio(pfn_to_page(frame));	// expect: tdx-gmem-pfn-to-page
	note_folio(folio);
}
