// litmus: a wrapper checks nothing and lets the module judge
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_page_demote(struct tdx_td *td, u64 gpa, enum pg_level level, struct page *sept_page, u64 *e1, u64 *e2)
{
	struct tdx_module_args in = {
		.rcx = gpa | pg_level_to_tdx_sept_level(level),
		.rdx = tdx_tdr_pa(td),
		.r8 = page_to_phys(sept_page),
	};
	u64 ret;

	ret = seamcall_ret(TDH_MEM_PAGE_DEMOTE, &in);
	*e1 = in.rcx;
	*e2 = in.rdx;
	return ret;
}
