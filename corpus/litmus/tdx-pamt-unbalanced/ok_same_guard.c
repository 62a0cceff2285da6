// litmus: get and put under the same test of the level
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
	if (ret && level == PG_LEVEL_4K)
		tdx_pamt_put(pfn);

	return ret;
}
