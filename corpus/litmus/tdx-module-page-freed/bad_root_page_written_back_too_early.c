// litmus: the root page is freed with lines of the key in the caches, for it was written back before the reclaim
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_phymem_page_wbinvd_tdr(struct tdx_td *td)
{
	struct tdx_module_args args = {
		.rcx = mk_keyed_paddr(tdx_global_keyid, page_to_pfn(td->tdr_page)),
	};

	return seamcall(TDH_PHYMEM_PAGE_WBINVD, &args);
}
// path: arch/x86/kvm/vmx/tdx.c
static void free_root(struct kvm *kvm)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);

	if (tdh_phymem_page_wbinvd_tdr(&kvm_tdx->td))
		return;

	if (is_hkid_assigned(kvm_tdx) || tdx_reclaim_page(kvm_tdx->td.tdr_page))
		return;

	__free_page(kvm_tdx->td.tdr_page);	// expect: tdx-module-page-freed
	kvm_tdx->td.tdr_page = NULL;
}
