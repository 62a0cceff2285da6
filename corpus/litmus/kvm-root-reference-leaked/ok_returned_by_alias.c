// litmus: the root is returned under another name
// path: arch/x86/kvm/mmu/tdp_mmu.c
struct kvm_mmu_page *mmu_find_root(struct kvm *kvm, u64 word)
{
	struct kvm_mmu_page *root, *found = NULL;

	for_each_tdp_mmu_root_yield_safe(kvm, root) {
		if (root->role.word == word) {
			found = root;
			break;
		}
	}
	return found;
}
