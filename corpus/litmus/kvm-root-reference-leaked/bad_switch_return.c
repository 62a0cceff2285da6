// litmus: one case of a switch returns
// path: arch/x86/kvm/mmu/tdp_mmu.c
int mmu_visit_roots(struct kvm *kvm, int as_id)
{
	struct kvm_mmu_page *root;

	for_each_valid_tdp_mmu_root_yield_safe(kvm, root, as_id) {
		switch (mmu_visit(kvm, root)) {
		case 0:
			continue;
		case -EAGAIN:
			kvm_tdp_mmu_put_root(kvm, root);
			return -EAGAIN;
		default:
			return -EIO;	// expect: kvm-root-reference-leaked
		}
	}
	return 0;
}
