// litmus: the reference is put for mirror roots only
// path: arch/x86/kvm/mmu/tdp_mmu.c
int mmu_visit_roots(struct kvm *kvm, int as_id)
{
	struct kvm_mmu_page *root;
	int r;

	for_each_valid_tdp_mmu_root_yield_safe(kvm, root, as_id) {
		r = mmu_visit(kvm, root);
		if (r) {
			if (is_mirror_sp(root))
				kvm_tdp_mmu_put_root(kvm, root);
			return r;	// expect: kvm-root-reference-leaked
		}
	}
	return 0;
}
