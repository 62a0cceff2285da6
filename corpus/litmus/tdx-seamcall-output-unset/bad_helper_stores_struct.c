// litmus: a helper of a helper stores on one branch, the pair is a struct
// path: arch/x86/virt/vmx/tdx/tdx.c
static void store_outputs(u64 ret, struct tdx_module_args *args, struct tdx_ext *ext)
{
	if (ret == TDX_SW_ERROR)
		return;	// expect: tdx-seamcall-output-unset "store_outputs() returns"
	ext->entry = args->rcx;
	ext->state = args->rdx;
}

u64 tdh_mem_probe(struct tdx_td *td, u64 gpa, struct tdx_ext *ext)
{
	struct tdx_module_args args = { .rcx = gpa, .rdx = tdx_tdr_pa(td) };
	u64 ret;

	ret = seamcall_ret(TDH_MEM_PROBE, &args);
	store_outputs(ret, &args, ext);

	return ret;
}
// path: arch/x86/kvm/vmx/tdx.c
static int tdx_probe(struct kvm *kvm, gpa_t gpa)
{
	struct tdx_ext ext;
	u64 status;

	status = tdh_mem_probe(&to_kvm_tdx(kvm)->td, gpa, &ext);
	if (TDX_BUG_ON_2(status, TDH_MEM_PROBE, ext.entry, ext.state, kvm))
		return -EIO;

	return 0;
}
