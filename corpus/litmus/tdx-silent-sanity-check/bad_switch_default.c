// litmus: the default case of a switch rejects a level silently
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_range_block(struct tdx_td *td, u64 gpa, enum pg_level level, u64 *e1, u64 *e2)
{
	struct tdx_module_args in = {
		.rcx = gpa | pg_level_to_tdx_sept_level(level),
		.rdx = tdx_tdr_pa(td),
	};
	u64 ret;

	switch (level) {
	case PG_LEVEL_4K:
	case PG_LEVEL_2M:
		break;
	default:
		return TDX_OPERAND_INVALID;	// expect: tdx-silent-sanity-check
	}

	ret = seamcall_ret(TDH_MEM_RANGE_BLOCK, &in);
	*e1 = in.rcx;
	*e2 = in.rdx;
	return ret;
}
