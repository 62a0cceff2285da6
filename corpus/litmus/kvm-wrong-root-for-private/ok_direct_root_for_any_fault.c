// litmus: one of two callers is for shared memory, and the direct root is only looked at
// path: arch/x86/kvm/mmu/tdp_mmu.c
static struct kvm_mmu_page *root_of(struct kvm_vcpu *vcpu)
{
	return root_to_sp(vcpu->arch.mmu->root.hpa);
}

int kvm_walk_depth(struct kvm_vcpu *vcpu, gfn_t gfn)
{
	struct kvm_mmu_page *root = root_of(vcpu);

	return depth_under(root, gfn);
}

int for_mmio(struct kvm_vcpu *vcpu, gfn_t gfn)
{
	return kvm_walk_depth(vcpu, gfn);
}
// path: arch/x86/kvm/vmx/tdx.c
int handle_violation(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	if (!vt_is_tdx_private_gpa(vcpu->kvm, gpa))
		return 0;
	return kvm_walk_depth(vcpu, gpa_to_gfn(gpa));
}
