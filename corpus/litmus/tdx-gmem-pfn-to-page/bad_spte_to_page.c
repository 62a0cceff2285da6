// litmus: the PFN of a mirror SPTE becomes a page only to get its physical address
// path: arch/x86/kvm/vmx/tdx.c
static phys_addr_t leaf_address(u64 spte)
{
	kvm_pfn_t pfn = spte_to_pfn(spte);

	return page_to_phys(pfn_to_page(pfn));	// expect: tdx-gmem-pfn-to-page
}

void td_log_leafs(const u64 *sptes, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		pr_debug("leaf at 0x%llx\n", leaf_address(sptes[i]));
}
