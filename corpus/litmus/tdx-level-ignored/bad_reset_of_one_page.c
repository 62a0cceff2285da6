// litmus: the reset after a removal ignores the level
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_page_put(struct tdx_td *td, u64 gpa, enum pg_level level, kvm_pfn_t pfn)
{
	struct tdx_module_args in = {
		.rcx = gpa | pg_level_to_tdx_sept_level(level),
		.rdx = tdx_tdr_pa(td),
		.r8 = PFN_PHYS(pfn),
	};

	clflush_cache_range(__va(PFN_PHYS(pfn)), page_level_size(level));

	return seamcall_ret(TDH_MEM_PAGE_PUT, &in);
}
// path: arch/x86/kvm/vmx/tdx.c
static int tdx_put_leaf(struct kvm *kvm, gfn_t gfn, enum pg_level level, u64 spte)
{
	kvm_pfn_t pfn = spte_to_pfn(spte);
	u64 status;

	status = tdh_mem_page_put(&to_kvm_tdx(kvm)->td, gfn_to_gpa(gfn), level, pfn);
	if (TDX_BUG_ON(status, TDH_MEM_PAGE_PUT, kvm))
		return -EIO;

	tdx_quirk_reset_paddr(PFN_PHYS(pfn), PAGE_SIZE);	// expect: tdx-level-ignored
	return 0;
}

void tdx_put_setup(void)
{
	vt_x86_ops.put_leaf = tdx_put_leaf;
}
