// path: arch/x86/kvm/vmx/tdx.c
// Get and put under one test of the level, asked of a helper each time, or kept in a variable.
static bool td_is_small(enum pg_level level)
{
	return level == PG_LEVEL_4K;
}

static int td_aug_by_helper(struct kvm *kvm, gpa_t gpa, enum pg_level level, kvm_pfn_t pfn)
{
	u64 err;

	if (td_is_small(level) && tdx_pamt_get(pfn))
		return -ENOMEM;
	err = tdh_mem_page_aug(&to_kvm_tdx(kvm)->td, gpa, level, pfn);
	if (!err)
		return 0;
	if (td_is_small(level))
		tdx_pamt_put(pfn);
	return -EIO;
}

static int td_aug_by_variable(struct kvm *kvm, gpa_t gpa, enum pg_level level, kvm_pfn_t pfn)
{
	bool small = level == PG_LEVEL_4K;
	u64 err;

	if (small && tdx_pamt_get(pfn))
		return -ENOMEM;
	err = tdh_mem_page_aug(&to_kvm_tdx(kvm)->td, gpa, level, pfn);
	if (err && small)
		tdx_pamt_put(pfn);
	return err ? -EIO : 0;
}
