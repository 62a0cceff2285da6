// path: arch/x86/kvm/vmx/tdx.c
// Get and put are asked for under one setting, by a field or by a helper, and the page has two names.
static int td_add_by_bit(struct kvm *kvm, gpa_t gpa, struct page *page)
{
	u64 err;

	if ((tdx_sysinfo->features.tdx_features0 & TDX_FEATURES0_DYNAMIC_PAMT) && tdx_pamt_get(page_to_pfn(page)))
		return -ENOMEM;

	err = tdh_mem_sept_add(&to_kvm_tdx(kvm)->td, gpa, page);
	if (err && (tdx_sysinfo->features.tdx_features0 & TDX_FEATURES0_DYNAMIC_PAMT))
		tdx_pamt_put(page_to_pfn(page));
	if (err)
		return -EIO;
	return 0;
}

static int td_add_by_helper(struct kvm *kvm, gpa_t gpa, struct page *page)
{
	kvm_pfn_t pfn = page_to_pfn(page);
	u64 err;

	if (tdx_supports_dynamic_pamt(&sysinfo) && tdx_pamt_get(pfn))
		return -ENOMEM;

	err = tdh_mem_sept_add(&to_kvm_tdx(kvm)->td, gpa, page);
	if (err) {
		if (tdx_supports_dynamic_pamt(&sysinfo))
			tdx_pamt_put(page_to_pfn(page));
		return -EIO;
	}
	return 0;
}
