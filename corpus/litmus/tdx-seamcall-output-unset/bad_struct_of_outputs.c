// litmus: the outputs are in a struct
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_probe(struct tdx_td *td, u64 gpa, struct page *spare, struct tdx_err *err)
{
	struct tdx_module_args args = { .rcx = gpa, .rdx = page_to_phys(spare) };
	u64 ret;

	if (WARN_ON_ONCE(!spare))
		return TDX_SW_ERROR;	// expect: tdx-seamcall-output-unset

	ret = seamcall_ret(TDH_MEM_PROBE, &args);
	err->entry = args.rcx;
	err->state = args.rdx;
	return ret;
}
// path: arch/x86/kvm/vmx/tdx.c
static int tdx_probe(struct kvm *kvm, gpa_t gpa, struct page *spare)
{
	struct tdx_err err;
	u64 status;

	status = tdh_mem_probe(&to_kvm_tdx(kvm)->td, gpa, spare, &err);
	if (TDX_BUG_ON_2(status, TDH_MEM_PROBE, err.entry, err.state, kvm))
		return -EIO;

	return 0;
}
