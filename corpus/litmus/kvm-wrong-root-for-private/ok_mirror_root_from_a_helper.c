// litmus: the accept of a private page splits under the mirror root, which a helper gives
// path: arch/x86/kvm/mmu/tdp_mmu.c
static struct kvm_mmu_page *root_of(struct kvm_vcpu *vcpu)
{
	return root_to_sp(vcpu->arch.mmu->mirror_root_hpa);
}

int kvm_split_accepted(struct kvm_vcpu *vcpu, gfn_t gfn)
{
	struct kvm_mmu_page *root = root_of(vcpu);

	return split_under(vcpu->kvm, root, gfn, gfn + 1);
}
// path: arch/x86/kvm/vmx/tdx.c
int handle_violation(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	if (!vt_is_tdx_private_gpa(vcpu->kvm, gpa))
		return 0;
	return kvm_split_accepted(vcpu, gpa_to_gfn(gpa));
}
