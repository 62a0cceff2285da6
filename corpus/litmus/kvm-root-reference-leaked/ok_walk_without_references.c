// litmus: the plain iterator takes no references
// path: arch/x86/kvm/mmu/tdp_mmu.c
bool mmu_any_root(struct kvm *kvm, int as_id)
{
	struct kvm_mmu_page *root;

	for_each_valid_tdp_mmu_root(kvm, root, as_id) {
		if (mmu_visit(kvm, root))
			return true;
	}
	return false;
}
