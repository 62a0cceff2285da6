// litmus: a wrapper turns down a misaligned address without a word
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_page_remove(struct tdx_td *td, u64 gpa, enum pg_level level, u64 *e1, u64 *e2)
{
	struct tdx_module_args in = {
		.rcx = gpa | pg_level_to_tdx_sept_level(level),
		.rdx = tdx_tdr_pa(td),
	};
	u64 ret;

	if (!IS_ALIGNED(gpa, page_level_size(level)))
		return TDX_OPERAND_INVALID;	// expect: tdx-silent-sanity-check

	ret = seamcall_ret(TDH_MEM_PAGE_REMOVE, &in);
	*e1 = in.rcx;
	*e2 = in.rdx;
	return ret;
}
