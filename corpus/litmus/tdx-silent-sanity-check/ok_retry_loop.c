// litmus: a wrapper repeats the SEAMCALL while the module is busy and returns its last status
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_phymem_cache_wb(bool resume)
{
	struct tdx_module_args in = {
		.rcx = resume ? 1 : 0,
	};
	int tries = 0;
	u64 ret;

	do {
		ret = seamcall(TDH_PHYMEM_CACHE_WB, &in);
		if (ret != TDX_OPERAND_BUSY)
			return ret;
	} while (++tries < 8);

	return ret;
}
