// litmus: the way out of the walk puts what it stands on
// path: arch/x86/kvm/mmu/tdp_mmu.c
int mmu_visit_roots(struct kvm *kvm, int as_id)
{
	struct kvm_mmu_page *root;
	int ret = 0;

	for_each_valid_tdp_mmu_root_yield_safe(kvm, root, as_id) {
		ret = mmu_visit(kvm, root);
		if (ret)
			break;
	}
	if (root)
		kvm_tdp_mmu_put_root(kvm, root);
	return ret;
}
