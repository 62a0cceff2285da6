// litmus: KVM logs its own level, in an int as the MMU does
// path: arch/x86/kvm/vmx/tdx.c
void td_log_leaf(gfn_t gfn, int level)
{
	int mapped_level = level;

	pr_debug("gfn 0x%llx at level %d\n", gfn, mapped_level);
}

void td_log_leafs(gfn_t gfn, int nr, enum pg_level level)
{
	int i;

	for (i = 0; i < nr; i++)
		td_log_leaf(gfn + i * KVM_PAGES_PER_HPAGE(level), level);
}
