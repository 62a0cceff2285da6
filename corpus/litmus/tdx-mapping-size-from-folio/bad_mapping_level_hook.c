// litmus: the gmem_max_mapping_level hook answers from the size of the folio
// path: arch/x86/kvm/vmx/tdx.c
static int td_max_level(struct kvm *kvm, kvm_pfn_t pfn, bool is_private)
{
	struct folio *folio;
	int level;

	if (!is_private)
		return 0;

	folio = pfn_folio(pfn);	// expect: tdx-gmem-pfn-to-page
	level = folio_size(folio) >= PMD_SIZE ? PG_LEVEL_2M : PG_LEVEL_4K;	// expect: tdx-gmem-pfn-to-page // expect: tdx-mapping-size-from-folio
	return level;
}

void __init td_hardware_setup(void)
{
	vt_x86_ops.gmem_max_mapping_level = td_max_level;
}
