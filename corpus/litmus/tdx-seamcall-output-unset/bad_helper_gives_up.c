// litmus: the helper of KVM gives up before it calls the wrapper
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_probe(struct tdx_td *td, u64 gpa, struct page *spare, u64 *ext_err1, u64 *ext_err2)
{
	struct tdx_module_args args = { .rcx = gpa, .rdx = page_to_phys(spare) };
	u64 ret;


	ret = seamcall_ret(TDH_MEM_PROBE, &args);

	*ext_err1 = args.rcx;
	*ext_err2 = args.rdx;

	return ret;
}
// path: arch/x86/kvm/vmx/tdx.c
static u64 tdx_probe_once(struct kvm *kvm, gpa_t gpa, struct page *spare, u64 *entry, u64 *state)
{
	if (!spare)
		return TDX_SW_ERROR;	// expect: tdx-seamcall-output-unset

	return tdh_mem_probe(&to_kvm_tdx(kvm)->td, gpa, spare, entry, state);
}

static int tdx_probe(struct kvm *kvm, gpa_t gpa, struct page *spare)
{
	u64 status, entry, state;

	status = tdx_probe_once(kvm, gpa, spare, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_PROBE, entry, state, kvm))
		return -EIO;

	return 0;
}
