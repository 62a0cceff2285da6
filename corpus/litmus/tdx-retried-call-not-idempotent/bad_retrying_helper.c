// litmus: a helper with a callback retries
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_attr_wr(struct tdx_td *td, u64 gpa)
{
	struct tdx_module_args args = { .rcx = gpa };

	free_page(td->scratch);	// expect: tdx-retried-call-not-idempotent
	return seamcall(TDH_MEM_ATTR_WR, &args);
}

static u64 run_twice(u64 (*op)(struct tdx_td *td, u64 gpa), struct tdx_td *td, u64 gpa)
{
	u64 err = op(td, gpa);

	if (tdx_operand_busy(err))
		err = op(td, gpa);
	return err;
}

int run(struct kvm *kvm, struct kvm_tdx *tdx, u64 gpa)
{
	return run_twice(tdh_mem_attr_wr, &tdx->td, gpa) ? -EIO : 0;
}
