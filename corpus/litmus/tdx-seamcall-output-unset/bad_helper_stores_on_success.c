// litmus: the stores are left to a helper, which leaves them out for one result
// path: arch/x86/virt/vmx/tdx/tdx.c
static void store_outputs(u64 ret, struct tdx_module_args *args, u64 *ext_err1, u64 *ext_err2)
{
	if (ret == TDX_SW_ERROR)
		return;	// expect: tdx-seamcall-output-unset "store_outputs() returns"
	*ext_err1 = args->rcx;
	*ext_err2 = args->rdx;
}

u64 tdh_mem_probe(struct tdx_td *td, u64 gpa, u64 *ext_err1, u64 *ext_err2)
{
	struct tdx_module_args args = { .rcx = gpa, .rdx = tdx_tdr_pa(td) };
	u64 ret;

	ret = seamcall_ret(TDH_MEM_PROBE, &args);
	store_outputs(ret, &args, ext_err1, ext_err2);

	return ret;
}
// path: arch/x86/kvm/vmx/tdx.c
static int tdx_probe(struct kvm *kvm, gpa_t gpa)
{
	u64 status, entry, state;

	status = tdh_mem_probe(&to_kvm_tdx(kvm)->td, gpa, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_PROBE, entry, state, kvm))
		return -EIO;

	return 0;
}
