// litmus: pfn_valid() excuses nothing in TDX code
// path: arch/x86/kvm/vmx/tdx.c
static bool frame_is_busy(kvm_pfn_t pfn)
{
	if (!pfn_valid(pfn))
		return false;

	return PageLocked(pfn_to_page(pfn));	// expect: tdx-gmem-pfn-to-page
}

bool td_leaf_is_busy(u64 spte)
{
	return is_shadow_present_pte(spte) && frame_is_busy(spte_to_pfn(spte));
}

bool td_pair_is_busy(u64 first, u64 second)
{
	return td_leaf_is_busy(first) || td_leaf_is_busy(second);
}
