// litmus: a conditional expression chooses an argument of the SEAMCALL
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_vp_wr(struct tdx_vp *vp, u64 field, u64 value, u64 bits)
{
	struct tdx_module_args in = {
		.rcx = vp->tdvpr_pa,
		.rdx = field,
		.r8 = value,
		.r9 = bits ? bits : ~0ULL,
	};

	return seamcall(TDH_VP_WR, &in);
}

u64 tdx_vp_clear_field(struct tdx_vp *vp, u64 field)
{
	return tdh_vp_wr(vp, field, 0, ~0ULL);
}
