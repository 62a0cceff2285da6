// litmus: the reference is kept for the vCPU
// path: arch/x86/kvm/mmu/tdp_mmu.c
void mmu_load_root(struct kvm_vcpu *vcpu, int as_id, u64 word)
{
	struct kvm_mmu_page *root;

	for_each_valid_tdp_mmu_root_yield_safe(vcpu->kvm, root, as_id) {
		if (root->role.word == word)
			goto found;
	}
	return;
found:
	vcpu->arch.mmu->root.hpa = __pa(root->spt);
}
