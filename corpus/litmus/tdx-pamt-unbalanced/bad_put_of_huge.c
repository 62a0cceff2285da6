// litmus: the get is for 4K only, the put for every level
// path: arch/x86/kvm/vmx/tdx.c
static int td_set_leaf(struct kvm *kvm, gfn_t gfn, enum pg_level level, kvm_pfn_t pfn)
{
	int ret;

	if (level == PG_LEVEL_4K) {
		ret = tdx_pamt_get(pfn, &to_kvm_tdx(kvm)->cache);
		if (ret)
			return ret;
	}

	ret = td_map(kvm, gfn, level, pfn);
	if (ret)
		tdx_pamt_put(pfn);	// expect: tdx-pamt-unbalanced

	return ret;
}
