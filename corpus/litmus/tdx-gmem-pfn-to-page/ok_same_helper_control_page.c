// litmus: the same helper, but the only PFN that reaches it is that of a control page
// path: arch/x86/kvm/vmx/tdx.c
static void inspect_frame(unsigned long pfn)
{
	tdx_note_frame(pfn, 0);
}

void td_inspect_root(struct kvm *kvm)
{
	inspect_frame(page_to_pfn(to_kvm_tdx(kvm)->td.tdr_page));
}
// path: arch/x86/virt/vmx/tdx/tdx.c
void tdx_note_frame(unsigned long pfn, unsigned int flags)
{
	struct folio *folio;

	if (flags)
		return;

	folio = pfn_folio(pfn);
	note_folio(folio);
}
