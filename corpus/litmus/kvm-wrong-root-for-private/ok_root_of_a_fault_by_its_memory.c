// litmus: the mirror root where the fault is for private memory, asked here, by a flag or by all that call
// path: arch/x86/kvm/mmu/tdp_mmu.h
static inline struct kvm_mmu_page *root_for(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	if (kvm_has_mirrored_tdp(vcpu->kvm) && fault->is_private)
		return root_to_sp(vcpu->arch.mmu->mirror_root_hpa);

	return root_to_sp(vcpu->arch.mmu->root.hpa);
}

static inline struct kvm_mmu_page *root_by_flag(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	bool direct = kvm_is_addr_direct(vcpu->kvm, fault->addr);

	if (!direct)
		return root_to_sp(vcpu->arch.mmu->mirror_root_hpa);
	return root_to_sp(vcpu->arch.mmu->root.hpa);
}

static struct kvm_mmu_page *mirrored(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	trace_kvm_mmu_mirrored(fault->gfn);
	return root_to_sp(vcpu->arch.mmu->mirror_root_hpa);
}

static inline struct kvm_mmu_page *root_in_two(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	if (!kvm_is_addr_direct(vcpu->kvm, fault->addr))
		return mirrored(vcpu, fault);
	return root_to_sp(vcpu->arch.mmu->root.hpa);
}

static bool is_for_the_mirror(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	return !kvm_is_addr_direct(vcpu->kvm, fault->addr);
}

static inline struct kvm_mmu_page *root_by_helper(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	if (is_for_the_mirror(vcpu, fault))
		return root_to_sp(vcpu->arch.mmu->mirror_root_hpa);
	return root_to_sp(vcpu->arch.mmu->root.hpa);
}
