// litmus: a range of shared memory alone gets the mirror roots as well: a default that is too wide, a case that is shared
// path: arch/x86/kvm/mmu/tdp_mmu.h
static enum kvm_tdp_mmu_root_types roots_by_default(enum kvm_gfn_range_filter process)
{
	switch (process) {
	case KVM_FILTER_PRIVATE:
		return KVM_MIRROR_ROOTS;
	default:
		return KVM_VALID_ROOTS;  // expect: kvm-wrong-root-for-private
	}
}

static enum kvm_tdp_mmu_root_types roots_swapped(enum kvm_gfn_range_filter process)
{
	enum kvm_tdp_mmu_root_types ret = 0;

	switch (process) {
	case KVM_FILTER_PRIVATE:
		ret = KVM_DIRECT_ROOTS;  // expect: kvm-wrong-root-for-private
		break;
	case KVM_FILTER_SHARED:
		ret = KVM_MIRROR_ROOTS;  // expect: kvm-wrong-root-for-private
		break;
	default:
		ret = KVM_VALID_ROOTS;
		break;
	}
	return ret;
}

static enum kvm_tdp_mmu_root_types roots_widened(enum kvm_gfn_range_filter process)
{
	enum kvm_tdp_mmu_root_types ret = KVM_DIRECT_ROOTS;

	if (process != KVM_FILTER_PRIVATE)
		ret |= KVM_MIRROR_ROOTS;  // expect: kvm-wrong-root-for-private
	return ret;
}
