// litmus: the flag goes away once the module has done it
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_attr_wr(struct tdx_td *td)
{
	struct tdx_module_args args = { .rcx = td->pa };
	u64 err;

	if (!td->stale)
		return TDX_SUCCESS;

	err = seamcall(TDH_MEM_ATTR_WR, &args);
	if (!err)
		td->stale = false;
	return err;
}

int run(struct kvm *kvm, struct kvm_tdx *tdx)
{
	u64 err;

	err = tdh_do_no_vcpus(tdh_mem_attr_wr, kvm, &tdx->td);
	return err ? -EIO : 0;
}
