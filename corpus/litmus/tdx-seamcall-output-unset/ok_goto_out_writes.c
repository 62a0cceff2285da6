// litmus: the stores stand behind the label
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_probe(struct tdx_td *td, u64 gpa, struct page *spare, u64 *ext_err1, u64 *ext_err2)
{
	struct tdx_module_args args = { .rcx = gpa, .rdx = page_to_phys(spare) };
	u64 ret = TDX_SW_ERROR;

	if (WARN_ON_ONCE(!spare))
		goto out;

	ret = seamcall_ret(TDH_MEM_PROBE, &args);
out:
	*ext_err1 = args.rcx;
	*ext_err2 = args.rdx;
	return ret;
}
// path: arch/x86/kvm/vmx/tdx.c
static int tdx_probe(struct kvm *kvm, gpa_t gpa, struct page *spare)
{
	u64 status, entry, state;

	status = tdh_mem_probe(&to_kvm_tdx(kvm)->td, gpa, spare, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_PROBE, entry, state, kvm))
		return -EIO;

	return 0;
}
