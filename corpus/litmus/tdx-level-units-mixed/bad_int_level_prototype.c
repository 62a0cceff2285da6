// litmus: the level of a wrapper is an int, in the prototype and in the definition
// path: arch/x86/include/asm/tdx.h
u64 tdh_mem_range_block(struct tdx_td *td, u64 gpa, int level, u64 *e1, u64 *e2);	// expect: tdx-level-units-mixed
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_range_block(struct tdx_td *td, u64 gpa, int level, u64 *e1, u64 *e2)	// expect: tdx-level-units-mixed
{
	struct tdx_module_args in = {
		.rcx = gpa | level,
		.rdx = tdx_tdr_pa(td),
	};
	u64 ret;

	ret = seamcall_ret(TDH_MEM_RANGE_BLOCK, &in);
	*e1 = in.rcx;
	*e2 = in.rdx;
	return ret;
}
