// litmus: a reference taken by hand is not dropped on the error path
// path: arch/x86/kvm/mmu/tdp_mmu.c
int mmu_zap_one(struct kvm *kvm, struct kvm_vcpu *vcpu)
{
	struct kvm_mmu_page *root = root_to_sp(vcpu->arch.mmu->root.hpa);

	if (!kvm_tdp_mmu_get_root(root))
		return -ENOENT;
	if (mmu_visit(kvm, root))
		return -EIO;	// expect: kvm-root-reference-leaked
	kvm_tdp_mmu_put_root(kvm, root);
	return 0;
}
