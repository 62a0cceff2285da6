// litmus: callers are meant to probe whether the module can probe, with a code that it never gives
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_page_probe(struct tdx_td *td, u64 gpa, enum pg_level level, struct page *table, u64 *e1, u64 *e2)
{
	struct tdx_module_args args = {
		.rcx = gpa | pg_level_to_tdx_sept_level(level),
		.rdx = tdx_tdr_pa(td),
		.r8 = page_to_phys(table),
	};
	u64 ret;

	*e1 = *e2 = 0;
	if (!tdx_can_probe(&tdx_sysinfo))
		return TDX_SW_ERROR;

	ret = seamcall_ret(TDH_MEM_PAGE_PROBE, &args);
	*e1 = args.rcx;
	*e2 = args.rdx;
	return ret;
}
// path: arch/x86/kvm/vmx/tdx.c
static int tdx_probe(struct kvm *kvm, gpa_t gpa, enum pg_level level, struct page *table)
{
	u64 err, entry, state;

	err = tdh_mem_page_probe(&to_kvm_tdx(kvm)->td, gpa, level, table, &entry, &state);
	if (err == TDX_SW_ERROR)
		return -EOPNOTSUPP;
	if (TDX_BUG_ON_2(err, TDH_MEM_PAGE_PROBE, entry, state, kvm))
		return -EIO;

	return 0;
}
