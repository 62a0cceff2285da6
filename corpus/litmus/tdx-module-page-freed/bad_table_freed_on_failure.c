// litmus: the label frees the table that could not be reclaimed
// path: arch/x86/kvm/vmx/tdx.c
static void td_free_table(struct kvm *kvm, struct kvm_mmu_page *sp)
{
	struct page *table = virt_to_page(sp->external_spt);

	if (KVM_BUG_ON(is_hkid_assigned(to_kvm_tdx(kvm)), kvm))
		goto leak;
	if (tdx_reclaim_page(table))
		goto leak;
leak:
	free_page((unsigned long)sp->external_spt);	// expect: tdx-module-page-freed
	sp->external_spt = NULL;
}
