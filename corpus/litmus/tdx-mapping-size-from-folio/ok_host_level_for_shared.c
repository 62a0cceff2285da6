// path: arch/x86/kvm/mmu/mmu.c
int kvm_level_of(struct kvm *kvm, struct kvm_page_fault *fault, const struct kvm_memory_slot *slot, gfn_t gfn)
{
	int host_level;

	if (fault->is_private || kvm_memslot_is_gmem_only(slot))
		host_level = kvm_level_of_file(kvm, fault, slot, gfn);
	else
		host_level = host_pfn_mapping_level(kvm, gfn, slot);

	return min(host_level, fault->max_level);
}
