// litmus: a table that comes back early waits on a list, and is freed from there with no reclaim
// path: arch/x86/kvm/vmx/tdx.c
void free_parked(struct kvm_tdx *kvm_tdx)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &kvm_tdx->parked, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}

void drop_table(struct kvm *kvm, struct kvm_mmu_page *sp)
{
	if (is_hkid_assigned(to_kvm_tdx(kvm))) {
		list_add_tail(&virt_to_page(sp->external_spt)->lru, &to_kvm_tdx(kvm)->parked);	// expect: tdx-module-page-freed
		goto out;
	}
	if (tdx_reclaim_page(virt_to_page(sp->external_spt)))
		goto out;
	free_page((unsigned long)sp->external_spt);
out:
	sp->external_spt = NULL;
}
