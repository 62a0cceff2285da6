// litmus: both checks warn, one around the condition and one inside the branch
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_vp_init(struct tdx_vp *vp, u64 first_rcx, u32 apic_id)
{
	struct tdx_module_args in = {
		.rcx = vp->tdvpr_pa,
		.rdx = first_rcx,
		.r8 = apic_id,
	};

	if (unlikely(WARN_ON(!vp->tdvpr_page)))
		return TDX_SW_ERROR;

	if (!vp->tdcx_pages) {
		WARN(1, "vCPU %u has no control pages\n", apic_id);
		return TDX_SW_ERROR;
	}

	return seamcall(TDH_VP_INIT, &in);
}
