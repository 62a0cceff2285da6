// litmus: the early return is for shared memory, so the host level is used for what is left, the private
// path: arch/x86/kvm/mmu/mmu.c
int gfn_max_level(struct kvm *kvm, const struct kvm_memory_slot *slot, gfn_t gfn, bool is_private, int level)
{
	if (!is_private)
		return level;

	level = min(level, host_pfn_mapping_level(kvm, gfn, slot));	// expect: tdx-mapping-size-from-folio
	return level;
}

int gfn_level_now(struct kvm *kvm, const struct kvm_memory_slot *slot, gfn_t gfn)
{
	return gfn_max_level(kvm, slot, gfn, kvm_mem_is_private(kvm, gfn), PG_LEVEL_2M);
}
