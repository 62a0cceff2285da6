// litmus: the host page table decides the mapping level of a private fault
// path: arch/x86/kvm/mmu/mmu.c
int private_max_level(struct kvm *kvm, struct kvm_page_fault *fault)
{
	int level = fault->max_level;

	if (fault->is_private)
		level = min(level, host_pfn_mapping_level(kvm, fault->gfn, fault->slot));	// expect: tdx-mapping-size-from-folio

	return level;
}

void log_max_level(struct kvm *kvm, struct kvm_page_fault *fault)
{
	pr_debug("gfn 0x%llx: up to level %d\n", fault->gfn, private_max_level(kvm, fault));
}
