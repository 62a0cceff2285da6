// litmus: inside the core file a converted level is passed to a helper that takes a pg_level
// path: arch/x86/virt/vmx/tdx/tdx.c
static void flush_frames(kvm_pfn_t pfn, enum pg_level level)
{
	clflush_cache_range(__va(PFN_PHYS(pfn)), page_level_size(level));
}

u64 tdh_mem_page_aug(struct tdx_td *td, u64 gpa, enum pg_level level, kvm_pfn_t pfn, u64 *e1, u64 *e2)
{
	u64 sept_level = pg_level_to_tdx_sept_level(level);
	struct tdx_module_args in = {
		.rcx = gpa | sept_level,
		.rdx = tdx_tdr_pa(td),
		.r8 = PFN_PHYS(pfn),
	};
	u64 ret;

	flush_frames(pfn, sept_level);	// expect: tdx-level-units-mixed
	ret = seamcall_ret(TDH_MEM_PAGE_AUG, &in);
	*e1 = in.rcx;
	*e2 = in.rdx;
	return ret;
}
