// litmus: arithmetic on the PFN does not make it another kind of value
// path: arch/x86/kvm/vmx/tdx.c
int td_count_poisoned(u64 spte)
{
	kvm_pfn_t base = ALIGN_DOWN(spte_to_pfn(spte), PTRS_PER_PMD);
	unsigned long i, end = base + PTRS_PER_PMD;
	int poisoned = 0;

	for (i = base; i < end; i++) {
		if (PageHWPoison(pfn_to_page(i)))	// expect: tdx-gmem-pfn-to-page
			poisoned++;
	}
	return poisoned;
}

bool td_leaf_is_good(u64 spte)
{
	return !td_count_poisoned(spte);
}
