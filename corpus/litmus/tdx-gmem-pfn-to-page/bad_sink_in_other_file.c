// litmus: the PFN crosses two calls and a file before it becomes a folio
// path: arch/x86/kvm/vmx/tdx.c
static void inspect_frame(kvm_pfn_t pfn)
{
	tdx_note_frame(pfn, 0);
}

void td_inspect_leaf(u64 spte)
{
	inspect_frame(spte_to_pfn(spte));
}
// path: arch/x86/virt/vmx/tdx/tdx.c
void tdx_note_frame(unsigned long pfn, unsigned int flags)
{
	struct folio *folio;

	if (flags)
		return;

	folio = pfn_folio(pfn);	// expect: tdx-gmem-pfn-to-page
	note_folio(folio);
}
