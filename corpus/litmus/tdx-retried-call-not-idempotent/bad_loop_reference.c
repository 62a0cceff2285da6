// litmus: a loop on busy takes one reference a round
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_attr_wr(struct tdx_td *td, u64 gpa)
{
	struct tdx_module_args args = { .rcx = gpa };

	atomic_inc(&td->users);	// expect: tdx-retried-call-not-idempotent
	return seamcall(TDH_MEM_ATTR_WR, &args);
}

int run(struct kvm *kvm, struct kvm_tdx *tdx, u64 gpa)
{
	u64 err;

	do {
		err = tdh_mem_attr_wr(&tdx->td, gpa);
	} while (tdx_operand_busy(err));
	return err ? -EIO : 0;
}
