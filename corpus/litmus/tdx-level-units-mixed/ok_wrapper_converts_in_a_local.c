// path: arch/x86/virt/vmx/tdx/tdx.c
static int pg_level_to_tdx_sept_level(enum pg_level level)
{
	return level - 1;
}

u64 tdh_mem_one(struct tdx_td *td, u64 gpa, enum pg_level level)
{
	int tdx_level = pg_level_to_tdx_sept_level(level);
	struct tdx_module_args args = {
		.rcx = gpa | tdx_level,
		.rdx = td->pa,
	};

	if (level + 1 > PG_LEVEL_1G)
		pr_warn("big\n");

	return seamcall(TDH_MEM_ONE, &args);
}
