// litmus: a kernel that has mirror roots walks the direct root for any fault
// path: arch/x86/kvm/mmu/tdp_mmu.c
static bool mirrored(struct kvm_mmu_page *root)
{
	return is_mirror_sp(root);
}

int tdp_map(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	struct kvm_mmu *mmu = vcpu->arch.mmu;
	struct tdp_iter iter;

	tdp_iter_start(&iter, root_to_sp(mmu->root.hpa), PG_LEVEL_4K, fault->gfn);  // expect: kvm-wrong-root-for-private
	return install(vcpu, fault, &iter);
}
