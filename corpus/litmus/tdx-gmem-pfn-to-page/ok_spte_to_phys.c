// litmus: the physical address of a mirror SPTE is computed from the PFN
// path: arch/x86/kvm/vmx/tdx.c
static phys_addr_t leaf_address(u64 spte)
{
	kvm_pfn_t pfn = spte_to_pfn(spte);

	return PFN_PHYS(pfn);
}

void td_log_leafs(const u64 *sptes, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		pr_debug("leaf at 0x%llx\n", leaf_address(sptes[i]));
}
