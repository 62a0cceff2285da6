// litmus: a table is freed once its HKID is free and the reclaim worked; a helper finds its page
// path: arch/x86/kvm/vmx/tdx.c
static struct page *td_table_page(struct kvm_mmu_page *sp)
{
	return virt_to_page(sp->external_spt);
}

static void td_free_table(struct kvm *kvm, struct kvm_mmu_page *sp)
{
	struct page *table = td_table_page(sp);

	if (KVM_BUG_ON(is_hkid_assigned(to_kvm_tdx(kvm)), kvm))
		goto leak;
	if (tdx_reclaim_page(table))
		goto leak;
	free_page((unsigned long)sp->external_spt);
leak:
	sp->external_spt = NULL;
}
