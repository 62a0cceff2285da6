// path: arch/x86/kvm/mmu/tdp_mmu.c
// The level that was found out of range is where a walk of the tables ends.
static void count_from(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t gfn, int min_level)
{
	struct tdp_iter iter;

	KVM_BUG_ON(min_level > KVM_MAX_HUGEPAGE_LEVEL, kvm);

	tdp_iter_start(&iter, root, min_level, gfn, 0);	// expect: kvm-bug-on-result-ignored
}
