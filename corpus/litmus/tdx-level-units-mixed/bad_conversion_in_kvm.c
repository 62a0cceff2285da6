// litmus: KVM converts to the module's level, to log it
// path: arch/x86/kvm/vmx/tdx.c
void td_log_leaf(gfn_t gfn, enum pg_level level)
{
	int sept_level = pg_level_to_tdx_sept_level(level);	// expect: tdx-level-units-mixed

	pr_debug("gfn 0x%llx at S-EPT level %d\n", gfn, sept_level);
}

void td_log_leafs(gfn_t gfn, int nr, enum pg_level level)
{
	int i;

	for (i = 0; i < nr; i++)
		td_log_leaf(gfn + i * KVM_PAGES_PER_HPAGE(level), level);
}
