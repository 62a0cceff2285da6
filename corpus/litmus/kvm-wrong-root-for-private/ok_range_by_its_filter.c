// litmus: a range is unmapped under the roots that its filter selects
// path: arch/x86/kvm/mmu/tdp_mmu.c
bool unmap(struct kvm *kvm, struct kvm_gfn_range *range, bool flush)
{
	enum kvm_tdp_mmu_root_types types = kvm_gfn_range_filter_to_root_types(kvm, range->attr_filter) | KVM_INVALID_ROOTS;
	struct kvm_mmu_page *root;

	__for_each_tdp_mmu_root_yield_safe(kvm, root, range->slot->as_id, types)
		flush |= zap_under(kvm, root, range->start, range->end);
	return flush;
}
