// litmus: the reference is put before the walk is left
// path: arch/x86/kvm/mmu/tdp_mmu.c
void mmu_visit_roots(struct kvm *kvm, int as_id)
{
	struct kvm_mmu_page *root;

	for_each_valid_tdp_mmu_root_yield_safe(kvm, root, as_id) {
		if (mmu_visit(kvm, root)) {
			kvm_tdp_mmu_put_root(kvm, root);
			break;
		}
	}
}
