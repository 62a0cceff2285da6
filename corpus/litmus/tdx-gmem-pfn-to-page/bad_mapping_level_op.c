// litmus: the mapping level hook looks at the page that the direct map has at its PFN
// path: arch/x86/kvm/vmx/tdx.c
static int td_max_level(struct kvm *kvm, kvm_pfn_t pfn, bool is_private)
{
	void *va = __va(PFN_PHYS(pfn));

	if (is_private)
		note_page(0, virt_to_page(va));	// expect: tdx-gmem-pfn-to-page

	return PG_LEVEL_4K;
}

void __init td_hardware_setup(void)
{
	vt_x86_ops.gmem_max_mapping_level = td_max_level;
}
