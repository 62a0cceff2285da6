// litmus: a helper of a helper puts it
// path: arch/x86/kvm/mmu/tdp_mmu.c
static void mmu_drop_locked(struct kvm *kvm, struct kvm_mmu_page *sp)
{
	kvm_tdp_mmu_put_root(kvm, sp);
}

static int mmu_give_up(struct kvm *kvm, struct kvm_mmu_page *page, int error)
{
	mmu_drop_locked(kvm, page);
	return error;
}

int mmu_visit_roots(struct kvm *kvm, int as_id)
{
	struct kvm_mmu_page *root;

	for_each_valid_tdp_mmu_root_yield_safe(kvm, root, as_id) {
		if (mmu_visit(kvm, root))
			return mmu_give_up(kvm, root, -EIO);
	}
	return 0;
}
