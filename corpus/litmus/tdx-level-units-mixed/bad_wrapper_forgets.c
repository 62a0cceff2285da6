// path: arch/x86/virt/vmx/tdx/tdx.c
// The wrapper is the place that converts; this one does not.
u64 tdh_mem_one(struct tdx_td *td, u64 gpa, enum pg_level level)
{
	struct tdx_module_args args = { // expect: tdx-level-units-mixed "counts from 1"
		.rcx = gpa | level,
		.rdx = td->pa,
	};

	return seamcall(TDH_MEM_ONE, &args);
}
