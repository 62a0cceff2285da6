// The address of the root goes through a variable and a helper, and no path has the one of the mirror.
// path: arch/x86/kvm/mmu/tdp_mmu.c
static hpa_t root_address(struct kvm_vcpu *vcpu)
{
	return vcpu->arch.mmu->root.hpa;
}

static struct kvm_mmu_page *root_for(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	hpa_t hpa = root_address(vcpu);
	struct kvm_mmu_page *root = root_to_sp(hpa);

	return root;
}

static bool has_root(struct kvm_vcpu *vcpu, bool private)
{
	return VALID_PAGE(private ? vcpu->arch.mmu->mirror_root_hpa : vcpu->arch.mmu->root.hpa);
}

int kvm_tdp_mmu_map(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	struct kvm_mmu_page *root = root_for(vcpu, fault); // expect: kvm-wrong-root-for-private
	struct tdp_iter iter;

	for_each_tdp_pte(iter, vcpu->kvm, root, fault->gfn, fault->gfn + 1) {
		if (is_shadow_present_pte(iter.old_spte))
			return RET_PF_SPURIOUS;
	}
	return RET_PF_RETRY;
}
