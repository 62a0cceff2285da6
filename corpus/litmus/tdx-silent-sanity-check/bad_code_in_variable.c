// litmus: the code is in a variable when it is returned before the SEAMCALL
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mr_extend(struct tdx_td *td, u64 gpa, u64 *e1, u64 *e2)
{
	struct tdx_module_args in = {
		.rcx = gpa,
		.rdx = tdx_tdr_pa(td),
	};
	u64 ret = TDX_OPERAND_INVALID | TDX_OPERAND_ID_RCX;

	if (gpa & 0xff)
		return ret;	// expect: tdx-silent-sanity-check

	ret = seamcall_ret(TDH_MR_EXTEND, &in);
	*e1 = in.rcx;
	*e2 = in.rdx;
	return ret;
}
