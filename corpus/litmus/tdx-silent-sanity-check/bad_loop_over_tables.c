// litmus: a loop over the arguments rejects one of them before anything is called
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_vp_create(struct tdx_td *td, struct tdx_vp *vp)
{
	struct tdx_module_args in = {
		.rcx = vp->tdvpr_pa,
		.rdx = tdx_tdr_pa(td),
	};
	int i;

	for (i = 0; i < td->tdcx_nr_pages; i++) {
		if (!vp->tdcx_pages[i])
			return TDX_SW_ERROR;	// expect: tdx-silent-sanity-check
	}

	return seamcall(TDH_VP_CREATE, &in);
}
