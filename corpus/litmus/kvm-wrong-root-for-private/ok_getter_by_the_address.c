// The getter of the root of a fault asks what the fault is for, by a variable that holds the address of the root.
// path: arch/x86/kvm/mmu/tdp_mmu.h
static inline struct kvm_mmu_page *tdp_mmu_get_root_for_fault(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	hpa_t hpa = vcpu->arch.mmu->root.hpa;

	if (!kvm_is_addr_direct(vcpu->kvm, fault->addr))
		hpa = vcpu->arch.mmu->mirror_root_hpa;

	return root_to_sp(hpa);
}
// path: arch/x86/kvm/mmu/tdp_mmu.c
int kvm_tdp_mmu_map(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	struct kvm_mmu_page *root = tdp_mmu_get_root_for_fault(vcpu, fault);
	struct tdp_iter iter;

	for_each_tdp_pte(iter, vcpu->kvm, root, fault->gfn, fault->gfn + 1) {
		if (is_shadow_present_pte(iter.old_spte))
			return RET_PF_SPURIOUS;
	}
	return RET_PF_RETRY;
}
