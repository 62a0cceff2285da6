// litmus: only 4K comes as far as the get
// path: arch/x86/kvm/vmx/tdx.c
static int td_set_leaf(struct kvm *kvm, gfn_t gfn, enum pg_level level, kvm_pfn_t pfn)
{
	int ret;

	if (KVM_BUG_ON(level != PG_LEVEL_4K, kvm))
		return -EIO;

	ret = tdx_pamt_get(pfn, &to_kvm_tdx(kvm)->cache);
	if (ret)
		return ret;

	ret = td_map(kvm, gfn, level, pfn);
	if (ret)
		tdx_pamt_put(pfn);

	return ret;
}
