// litmus: a wrapper returns the software error because a resource ran out, which is nobody's bug
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mng_init(struct tdx_td *td, u64 td_params, u64 *extended_err)
{
	struct tdx_module_args in = {
		.rcx = tdx_tdr_pa(td),
		.rdx = td_params,
	};
	void *scratch = kzalloc(PAGE_SIZE, GFP_KERNEL);
	u64 ret;

	if (!scratch)
		return TDX_SW_ERROR;

	ret = seamcall_ret(TDH_MNG_INIT, &in);
	*extended_err = in.rcx;
	kfree(scratch);
	return ret;
}
