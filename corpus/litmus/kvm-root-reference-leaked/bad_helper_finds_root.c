// litmus: a helper returns the root with its reference, and its caller forgets it
// path: arch/x86/kvm/mmu/tdp_mmu.c
static struct kvm_mmu_page *mmu_find_root(struct kvm *kvm, u64 word)
{
	struct kvm_mmu_page *root;

	for_each_tdp_mmu_root_yield_safe(kvm, root) {
		if (root->role.word == word)
			break;
	}
	return root;
}

static struct kvm_mmu_page *mmu_pick_root(struct kvm *kvm, union kvm_mmu_page_role role)
{
	return mmu_find_root(kvm, role.word);
}

bool mmu_root_in_use(struct kvm *kvm, union kvm_mmu_page_role role)
{
	struct kvm_mmu_page *found = mmu_pick_root(kvm, role);

	return found != NULL;	// expect: kvm-root-reference-leaked
}
