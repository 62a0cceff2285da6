// litmus: the filter is turned into roots by its values: a switch, a table of early returns, a default that is narrowed
// path: arch/x86/kvm/mmu/tdp_mmu.h
static enum kvm_tdp_mmu_root_types roots_by_switch(struct kvm *kvm, enum kvm_gfn_range_filter process)
{
	enum kvm_tdp_mmu_root_types ret = 0;

	switch ((int)process) {
	case KVM_FILTER_PRIVATE:
		ret = KVM_MIRROR_ROOTS;
		break;
	case KVM_FILTER_SHARED:
		ret = KVM_DIRECT_ROOTS;
		break;
	case KVM_FILTER_PRIVATE | KVM_FILTER_SHARED:
		ret = KVM_VALID_ROOTS;
		break;
	}
	return ret;
}

static enum kvm_tdp_mmu_root_types roots_by_default(enum kvm_gfn_range_filter process)
{
	switch (process) {
	case KVM_FILTER_SHARED:
		return KVM_DIRECT_ROOTS;
	case KVM_FILTER_PRIVATE:
		return KVM_MIRROR_ROOTS;
	default:
		return KVM_VALID_ROOTS;
	}
}

static enum kvm_tdp_mmu_root_types roots_by_return(enum kvm_gfn_range_filter process)
{
	if (process == KVM_FILTER_SHARED)
		return KVM_DIRECT_ROOTS;

	return process & KVM_FILTER_SHARED ? KVM_VALID_ROOTS : KVM_MIRROR_ROOTS;
}

static enum kvm_tdp_mmu_root_types roots_narrowed(enum kvm_gfn_range_filter process)
{
	enum kvm_tdp_mmu_root_types ret = KVM_VALID_ROOTS;

	if (!(process & KVM_FILTER_PRIVATE))
		ret = KVM_DIRECT_ROOTS;
	else if (!(process & KVM_FILTER_SHARED))
		ret = KVM_MIRROR_ROOTS;
	return ret;
}

static enum kvm_tdp_mmu_root_types roots_by_flag(enum kvm_gfn_range_filter process)
{
	bool private = process & KVM_FILTER_PRIVATE;
	bool shared = process & KVM_FILTER_SHARED;

	return (private ? KVM_MIRROR_ROOTS : 0) | (shared ? KVM_DIRECT_ROOTS : 0);
}
