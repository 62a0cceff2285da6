// litmus: prototype and definition of the AUG wrapper take the guest memory as a page
// path: arch/x86/include/asm/tdx.h
u64 tdh_mem_page_aug(struct tdx_td *td, u64 gpa, enum pg_level level, struct page *page, u64 *e1, u64 *e2);	// expect: tdx-gmem-pfn-to-page
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_page_aug(struct tdx_td *td, u64 gpa, enum pg_level level,	// expect: tdx-gmem-pfn-to-page
		     struct page *page, u64 *e1, u64 *e2)
{
	struct tdx_module_args in = {
		.rcx = gpa | pg_level_to_tdx_sept_level(level),
		.rdx = tdx_tdr_pa(td),
		.r8 = page_to_phys(page),
	};
	u64 ret;

	ret = seamcall_ret(TDH_MEM_PAGE_AUG, &in);
	*e1 = in.rcx;
	*e2 = in.rdx;
	return ret;
}
