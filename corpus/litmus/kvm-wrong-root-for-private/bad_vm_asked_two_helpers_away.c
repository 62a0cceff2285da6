// litmus: a flag of the VM goes through a helper and a parameter before it decides about an entry
// path: arch/x86/kvm/mmu/tdp_mmu.c
static bool must_adjust(struct kvm *kvm, struct kvm_page_fault *fault)
{
	return fault->nx_huge_page_workaround_enabled || kvm_has_mirrored_tdp(kvm);
}

static void step_down(struct kvm_page_fault *fault, struct tdp_iter *iter, bool adjust)
{
	if (adjust)	// expect: kvm-wrong-root-for-private
		disallowed_hugepage_adjust(fault, iter->old_spte, iter->level);
}

void walk_down(struct kvm *kvm, struct kvm_page_fault *fault, struct kvm_mmu_page *root)
{
	bool adjust = must_adjust(kvm, fault);
	struct tdp_iter iter;

	for_each_tdp_pte(iter, kvm, root, fault->gfn, fault->gfn + 1)
		step_down(fault, &iter, adjust);
}
