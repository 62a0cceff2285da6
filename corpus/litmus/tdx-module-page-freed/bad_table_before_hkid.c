// litmus: a table is reclaimed although the HKID may be assigned
// path: arch/x86/kvm/vmx/tdx.c
static void td_free_table(struct kvm *kvm, struct kvm_mmu_page *sp)
{
	struct page *table = virt_to_page(sp->external_spt);

	if (tdx_reclaim_page(table))	// expect: tdx-module-page-freed
		goto leak;
	free_page((unsigned long)sp->external_spt);
leak:
	sp->external_spt = NULL;
}
