// litmus: the wrapper clears the flag without which it does nothing, then calls the module
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_attr_wr(struct tdx_td *td)
{
	struct tdx_module_args args = { .rcx = td->pa };

	if (!td->stale)
		return TDX_SUCCESS;

	td->stale = false;	// expect: tdx-retried-call-not-idempotent
	return seamcall(TDH_MEM_ATTR_WR, &args);
}

int run(struct kvm *kvm, struct kvm_tdx *tdx)
{
	u64 err;

	err = tdh_do_no_vcpus(tdh_mem_attr_wr, kvm, &tdx->td);
	return err ? -EIO : 0;
}
