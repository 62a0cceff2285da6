// litmus: the order of the folio is an argument, the comparison with the level is in the callee
// path: arch/x86/kvm/vmx/tdx.c
static enum pg_level clamp_level(enum pg_level level, unsigned int order)
{
	while (level > PG_LEVEL_4K) {
		if (order >= KVM_HPAGE_GFN_SHIFT(level))	// expect: tdx-mapping-size-from-folio
			break;
		level--;
	}
	return level;
}

enum pg_level td_level_of_leaf(u64 spte, enum pg_level wanted)
{
	kvm_pfn_t pfn = spte_to_pfn(spte);

	return clamp_level(wanted, folio_order(pfn_folio(pfn)));	// expect: tdx-gmem-pfn-to-page
}
