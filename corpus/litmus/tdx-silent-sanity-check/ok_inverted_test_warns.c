// litmus: the rejected case at the end of the function warns before it returns
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mng_addcx(struct tdx_td *td, struct page *tdcs_page)
{
	struct tdx_module_args in = {
		.rcx = page_to_phys(tdcs_page),
		.rdx = tdx_tdr_pa(td),
	};

	if (td->tdcs_nr_pages > 0) {
		clflush_cache_range(page_to_virt(tdcs_page), PAGE_SIZE);
		return seamcall(TDH_MNG_ADDCX, &in);
	}

	WARN_ONCE(1, "TD without control pages\n");
	return TDX_SW_ERROR;
}
