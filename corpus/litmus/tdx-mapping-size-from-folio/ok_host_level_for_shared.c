// litmus: the host page table decides the mapping level of a shared fault, the hook that of a private one
// path: arch/x86/kvm/mmu/mmu.c
int fault_max_level(struct kvm *kvm, struct kvm_page_fault *fault)
{
	int level = fault->max_level;
	int limit;

	if (fault->is_private) {
		limit = kvm_x86_call(gmem_max_mapping_level)(kvm, fault->pfn, true);
		if (limit)
			level = min(level, limit);
	} else {
		level = min(level, host_pfn_mapping_level(kvm, fault->gfn, fault->slot));
	}

	return level;
}
