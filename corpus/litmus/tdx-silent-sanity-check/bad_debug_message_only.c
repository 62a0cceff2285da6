// litmus: a debug message, compiled out by default, does not make the rejection loud
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mng_key_config(struct tdx_td *td)
{
	struct tdx_module_args in = {
		.rcx = tdx_tdr_pa(td),
	};

	if (!td->tdr_page) {
		pr_debug("key config without TDR\n");
		return TDX_SW_ERROR;	// expect: tdx-silent-sanity-check
	}

	return seamcall(TDH_MNG_KEY_CONFIG, &in);
}
