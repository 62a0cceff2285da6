// litmus: nothing runs it again
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_attr_wr(struct tdx_td *td, u64 gpa)
{
	struct tdx_module_args args = { .rcx = gpa };

	td->nr_writes++;
	return seamcall(TDH_MEM_ATTR_WR, &args);
}

int run(struct kvm *kvm, struct kvm_tdx *tdx, u64 gpa)
{
	return tdh_mem_attr_wr(&tdx->td, gpa) ? -EIO : 0;
}
