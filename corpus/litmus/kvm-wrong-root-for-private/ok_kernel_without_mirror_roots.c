// litmus: a kernel that has one root for all that it maps walks that root for any fault
// path: arch/x86/kvm/mmu/tdp_mmu.c
int tdp_map(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	struct kvm_mmu *mmu = vcpu->arch.mmu;
	struct tdp_iter iter;

	tdp_iter_start(&iter, root_to_sp(mmu->root.hpa), PG_LEVEL_4K, fault->gfn);
	return install(vcpu, fault, &iter);
}
