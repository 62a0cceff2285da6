// litmus: the root page is freed once it is written back, through a helper
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_phymem_page_wbinvd_tdr(struct tdx_td *td)
{
	struct tdx_module_args args = {
		.rcx = mk_keyed_paddr(tdx_global_keyid, page_to_pfn(td->tdr_page)),
	};

	return seamcall(TDH_PHYMEM_PAGE_WBINVD, &args);
}
// path: arch/x86/kvm/vmx/tdx.c
static int write_back_root(struct kvm_tdx *kvm_tdx)
{
	return tdh_phymem_page_wbinvd_tdr(&kvm_tdx->td) ? -EIO : 0;
}

static void free_root(struct kvm *kvm)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);

	if (is_hkid_assigned(kvm_tdx) || tdx_reclaim_page(kvm_tdx->td.tdr_page))
		return;

	if (write_back_root(kvm_tdx))
		return;

	__free_page(kvm_tdx->td.tdr_page);
	kvm_tdx->td.tdr_page = NULL;
}
