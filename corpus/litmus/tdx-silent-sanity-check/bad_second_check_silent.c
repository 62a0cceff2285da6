// litmus: the first check warns, the second does not
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_vp_init(struct tdx_vp *vp, u64 first_rcx, u32 apic_id)
{
	struct tdx_module_args in = {
		.rcx = vp->tdvpr_pa,
		.rdx = first_rcx,
		.r8 = apic_id,
	};

	if (WARN_ON(!vp->tdvpr_page))
		return TDX_SW_ERROR;

	if (!vp->tdcx_pages)
		return TDX_SW_ERROR;	// expect: tdx-silent-sanity-check

	return seamcall(TDH_VP_INIT, &in);
}
