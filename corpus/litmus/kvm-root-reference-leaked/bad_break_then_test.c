// litmus: the code behind the walk looks at the root and does not put it
// path: arch/x86/kvm/mmu/tdp_mmu.c
void mmu_visit_twice(struct kvm *kvm, int as_id)
{
	struct kvm_mmu_page *root;

	for_each_valid_tdp_mmu_root_yield_safe(kvm, root, as_id) {
		if (mmu_visit(kvm, root))	// expect: kvm-root-reference-leaked
			break;
	}
	if (root)
		mmu_note(kvm);
}
