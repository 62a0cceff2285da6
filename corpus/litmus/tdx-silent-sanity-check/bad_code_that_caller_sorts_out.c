// litmus: the caller asks for a code because the module gives it, and takes the invented one for that
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mng_init(struct tdx_td *td, u64 td_params, u64 *extended_err)
{
	struct tdx_module_args args = { .rcx = tdx_tdr_pa(td), .rdx = td_params };
	u64 ret;

	*extended_err = 0;
	if (!IS_ALIGNED(td_params, 1024))
		return TDX_OPERAND_INVALID;	// expect: tdx-silent-sanity-check

	ret = seamcall_ret(TDH_MNG_INIT, &args);
	*extended_err = args.rcx;
	return ret;
}
// path: arch/x86/kvm/vmx/tdx.c
static int tdx_init_params(struct kvm *kvm, u64 params, u64 *seamcall_err)
{
	u64 err, rcx;

	err = tdh_mng_init(&to_kvm_tdx(kvm)->td, params, &rcx);
	if ((err & TDX_SEAMCALL_STATUS_MASK) == TDX_OPERAND_INVALID) {
		*seamcall_err = err;
		return -EINVAL;
	}
	if (TDX_BUG_ON_1(err, TDH_MNG_INIT, rcx, kvm))
		return -EIO;

	return 0;
}
