// litmus: a local flag says private, the helper that asks the host page table is called under it
// path: arch/x86/kvm/mmu/mmu.c
static int host_limit(struct kvm *kvm, const struct kvm_memory_slot *slot, gfn_t gfn, int level)
{
	level = min(level, host_pfn_mapping_level(kvm, gfn, slot));	// expect: tdx-mapping-size-from-folio
	return level;
}

int gfn_max_level(struct kvm *kvm, const struct kvm_memory_slot *slot, gfn_t gfn, int level)
{
	bool private = kvm_mem_is_private(kvm, gfn);

	if (private)
		return host_limit(kvm, slot, gfn, level);

	return PG_LEVEL_4K;
}
