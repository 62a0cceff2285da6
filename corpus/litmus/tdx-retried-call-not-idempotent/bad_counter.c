// litmus: a counter goes up in each run
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_attr_wr(struct tdx_td *td, u64 gpa)
{
	struct tdx_module_args args = { .rcx = gpa };

	td->nr_writes++;	// expect: tdx-retried-call-not-idempotent
	return seamcall(TDH_MEM_ATTR_WR, &args);
}

int run(struct kvm *kvm, struct kvm_tdx *tdx, u64 gpa)
{
	u64 err;

	err = tdh_do_no_vcpus(tdh_mem_attr_wr, kvm, &tdx->td, gpa);
	return err ? -EIO : 0;
}
