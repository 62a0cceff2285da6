// litmus: the page of a control structure is inspected and rejected silently
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_vp_addcx(struct tdx_vp *vp, struct page *tdcx_page)
{
	struct tdx_module_args in = {
		.rdx = vp->tdvpr_pa,
	};

	if (!tdcx_page || PageCompound(tdcx_page))
		return TDX_OPERAND_INVALID;	// expect: tdx-silent-sanity-check

	in.rcx = page_to_phys(tdcx_page);
	return seamcall(TDH_VP_ADDCX, &in);
}
