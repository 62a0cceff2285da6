// litmus: the level of a wrapper is an enum pg_level and is converted where the module's arguments are built
// path: arch/x86/include/asm/tdx.h
u64 tdh_mem_range_block(struct tdx_td *td, u64 gpa, enum pg_level level, u64 *e1, u64 *e2);
u64 tdh_vp_init(struct tdx_vp *vp, u64 first_rcx, u32 apic_id);
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_range_block(struct tdx_td *td, u64 gpa, enum pg_level level, u64 *e1, u64 *e2)
{
	struct tdx_module_args in = {
		.rcx = gpa | pg_level_to_tdx_sept_level(level),
		.rdx = tdx_tdr_pa(td),
	};
	u64 ret;

	ret = seamcall_ret(TDH_MEM_RANGE_BLOCK, &in);
	*e1 = in.rcx;
	*e2 = in.rdx;
	return ret;
}
