// litmus: a helper looks at the size of the range before its filter
// path: arch/x86/kvm/mmu/tdp_mmu.c
static enum kvm_tdp_mmu_root_types types_of_range(struct kvm *kvm, struct kvm_gfn_range *range)
{
	if (range->start == range->slot->base_gfn)
		return KVM_ALL_ROOTS;	// expect: kvm-wrong-root-for-private

	return kvm_gfn_range_filter_to_root_types(kvm, range->attr_filter) | KVM_INVALID_ROOTS;
}

bool unmap(struct kvm *kvm, struct kvm_gfn_range *range, bool flush)
{
	enum kvm_tdp_mmu_root_types types = types_of_range(kvm, range);
	struct kvm_mmu_page *root;

	__for_each_tdp_mmu_root_yield_safe(kvm, root, range->slot->as_id, types)
		flush = tdp_mmu_zap_leafs(kvm, root, range->start, range->end, true, flush);
	return flush;
}
