// litmus: a helper gives a number for a missing table, and the walk is told to come back
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int get_table(struct kvm *kvm, struct kvm_mmu_page **sp)
{
	*sp = kmem_cache_zalloc(mmu_page_header_cache, GFP_KERNEL_ACCOUNT);
	return *sp ? 0 : -ENOMEM;
}

int split_root(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start, gfn_t end)
{
	struct kvm_mmu_page *sp = NULL;
	struct tdp_iter iter;
	int r;

	for_each_tdp_pte_min_level(iter, kvm, root, 2, start, end) {
		if (!sp) {
			r = get_table(kvm, &sp);	// expect: kvm-retry-on-permanent-error
			if (r)
				trace_kvm_split(iter.gfn, r);
			iter.yielded = true;
			continue;
		}
		link_table(kvm, &iter, sp);
		sp = NULL;
	}
	return 0;
}
