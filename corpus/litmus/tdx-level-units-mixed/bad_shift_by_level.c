// litmus: a level that starts at one is used as a shift that must start at zero
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_page_aug(struct tdx_td *td, u64 gpa, enum pg_level level, kvm_pfn_t pfn, u64 *e1, u64 *e2)
{
	struct tdx_module_args in = {
		.rcx = gpa | pg_level_to_tdx_sept_level(level),
		.rdx = tdx_tdr_pa(td),
		.r8 = PFN_PHYS(pfn),
	};
	unsigned long npages = 1UL << (level * PTE_SHIFT);	// expect: tdx-level-units-mixed
	u64 ret;

	clflush_cache_range(__va(PFN_PHYS(pfn)), npages * PAGE_SIZE);
	ret = seamcall_ret(TDH_MEM_PAGE_AUG, &in);
	*e1 = in.rcx;
	*e2 = in.rdx;
	return ret;
}
