// litmus: a huge leaf is refused because its PFN is not aligned to its level
// path: arch/x86/kvm/vmx/tdx.c
int td_check_leaf(u64 spte, enum pg_level level)
{
	kvm_pfn_t pfn = spte_to_pfn(spte);
	unsigned long npages = KVM_PAGES_PER_HPAGE(level);

	if (!IS_ALIGNED(pfn, npages))
		return -EINVAL;

	return 0;
}

int td_check_pair(u64 first, u64 second, enum pg_level level)
{
	return td_check_leaf(first, level) || td_check_leaf(second, level);
}
