// litmus: whether the folio is large decides the level
// path: arch/x86/kvm/vmx/tdx.c
int tdx_note_max_level(struct kvm *kvm, kvm_pfn_t pfn)
{
	struct folio *folio = pfn_folio(pfn);	// expect: tdx-gmem-pfn-to-page

	if (folio_test_large(folio))	// expect: tdx-mapping-size-from-folio // expect: tdx-gmem-pfn-to-page
		return PG_LEVEL_2M;

	return PG_LEVEL_4K;
}
