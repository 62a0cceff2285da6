// litmus: the variable that held a guest PFN holds that of a control page when it becomes a page
// path: arch/x86/kvm/vmx/tdx.c
#define leaf_frame(spte, off)	(spte_to_pfn(spte) + (off))

void td_note_leaf(struct kvm *kvm, u64 spte)
{
	unsigned long frame = leaf_frame(spte, 0);
	struct folio *folio;

	pr_debug("leaf 0x%lx\n", frame);

	frame = page_to_pfn(to_kvm_tdx(kvm)->td.tdr_page);
	folio = page_folio(pfn_to_page(frame));
	note_folio(folio);
}
