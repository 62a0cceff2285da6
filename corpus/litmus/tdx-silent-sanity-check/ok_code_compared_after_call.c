// litmus: the codes are compared with what the module returned, and the return follows the SEAMCALL
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mr_extend(struct tdx_td *td, u64 gpa, u64 *e1, u64 *e2)
{
	struct tdx_module_args in = {
		.rcx = gpa,
		.rdx = tdx_tdr_pa(td),
	};
	u64 ret;

	ret = seamcall_ret(TDH_MR_EXTEND, &in);
	*e1 = in.rcx;
	*e2 = in.rdx;
	if (ret == TDX_OPERAND_INVALID || ret == TDX_SW_ERROR)
		return ret;

	pr_debug("extended 0x%llx\n", gpa);
	return ret;
}
