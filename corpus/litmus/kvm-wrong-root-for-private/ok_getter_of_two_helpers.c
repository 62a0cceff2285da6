// The getter leaves the choice to helpers: one of them gives the mirror root.
// path: arch/x86/kvm/mmu/tdp_mmu.c
static struct kvm_mmu_page *mirror_root_of(struct kvm_vcpu *vcpu)
{
	return root_to_sp(vcpu->arch.mmu->mirror_root_hpa);
}

static struct kvm_mmu_page *tdp_mmu_get_root_for_fault(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	if (!kvm_is_addr_direct(vcpu->kvm, fault->addr))
		return mirror_root_of(vcpu);

	return root_to_sp(vcpu->arch.mmu->root.hpa);
}

static struct kvm_mmu_page *root_for(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	return tdp_mmu_get_root_for_fault(vcpu, fault);
}

int kvm_tdp_mmu_map(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	struct kvm_mmu_page *root = root_for(vcpu, fault);
	struct tdp_iter iter;

	for_each_tdp_pte(iter, vcpu->kvm, root, fault->gfn, fault->gfn + 1) {
		if (is_shadow_present_pte(iter.old_spte))
			return RET_PF_SPURIOUS;
	}
	return RET_PF_RETRY;
}
