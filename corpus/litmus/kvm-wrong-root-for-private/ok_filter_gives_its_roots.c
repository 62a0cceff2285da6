// litmus: each bit of the filter selects its roots
// path: arch/x86/kvm/mmu/tdp_mmu.h
static inline enum kvm_tdp_mmu_root_types roots_for(struct kvm *kvm, enum kvm_gfn_range_filter filter)
{
	enum kvm_tdp_mmu_root_types types = 0;

	if (!kvm_has_mirrored_tdp(kvm))
		return KVM_DIRECT_ROOTS;
	if (filter & KVM_FILTER_PRIVATE)
		types |= KVM_MIRROR_ROOTS;
	if (filter & KVM_FILTER_SHARED)
		types |= KVM_DIRECT_ROOTS;
	return types;
}
