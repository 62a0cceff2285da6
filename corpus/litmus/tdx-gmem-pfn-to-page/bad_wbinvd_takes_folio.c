// litmus: the flush wrapper for guest memory takes a folio and an index
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_phymem_page_wbinvd_hkid(u64 hkid, struct folio *folio, unsigned long idx)	// expect: tdx-gmem-pfn-to-page
{
	struct tdx_module_args in = {};

	in.rcx = mk_keyed_paddr(hkid, folio_pfn(folio) + idx);
	return seamcall(TDH_PHYMEM_PAGE_WBINVD, &in);
}

u64 tdh_phymem_page_wbinvd_tdr(struct tdx_td *td)
{
	struct tdx_module_args in = {};

	in.rcx = mk_keyed_paddr(tdx_global_keyid, page_to_pfn(td->tdr_page));
	return seamcall(TDH_PHYMEM_PAGE_WBINVD, &in);
}
