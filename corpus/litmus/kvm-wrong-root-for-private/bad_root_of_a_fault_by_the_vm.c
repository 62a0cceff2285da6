// litmus: the mirror root for every fault of a VM that has one, whatever memory the fault is for
// path: arch/x86/kvm/mmu/tdp_mmu.h
static inline struct kvm_mmu_page *root_for(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	if (unlikely(kvm_has_mirrored_tdp(vcpu->kvm)))
		return root_to_sp(vcpu->arch.mmu->mirror_root_hpa);	// expect: kvm-wrong-root-for-private

	return root_to_sp(vcpu->arch.mmu->root.hpa);
}

static inline struct kvm_mmu_page *root_for_writes(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	struct kvm_mmu_page *root = root_to_sp(vcpu->arch.mmu->root.hpa);

	if (fault->write)
		root = root_to_sp(vcpu->arch.mmu->mirror_root_hpa);	// expect: kvm-wrong-root-for-private
	return root;
}
