// litmus: a range is unmapped under all roots, whatever its filter says
// path: arch/x86/kvm/mmu/tdp_mmu.c
bool unmap(struct kvm *kvm, struct kvm_gfn_range *range, bool flush)
{
	enum kvm_tdp_mmu_root_types types = KVM_VALID_ROOTS | KVM_INVALID_ROOTS;
	struct kvm_mmu_page *root;

	__for_each_tdp_mmu_root_yield_safe(kvm, root, range->slot->as_id, types)	// expect: kvm-wrong-root-for-private
		flush |= zap_under(kvm, root, range->start, range->end);
	return flush;
}
