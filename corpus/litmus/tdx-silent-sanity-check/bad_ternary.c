// litmus: a conditional expression hides the rejection in the return of the SEAMCALL
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_vp_wr(struct tdx_vp *vp, u64 field, u64 value, u64 bits)
{
	struct tdx_module_args in = {
		.rcx = vp->tdvpr_pa,
		.rdx = field,
		.r8 = value,
		.r9 = bits,
	};

	return bits ? seamcall(TDH_VP_WR, &in) : TDX_OPERAND_INVALID;	// expect: tdx-silent-sanity-check
}

u64 tdx_vp_clear_field(struct tdx_vp *vp, u64 field)
{
	return tdh_vp_wr(vp, field, 0, ~0ULL);
}
