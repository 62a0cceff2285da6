// litmus: the entry of a table's own page, which is small, by its frame
// path: arch/x86/kvm/vmx/tdx.c
static struct page *table_page(u64 new_spte)
{
	return virt_to_page(spte_to_child_sp(new_spte)->external_spt);
}

static int link_table(struct kvm *kvm, gfn_t gfn, enum pg_level level, u64 new_spte)
{
	struct page *table = table_page(new_spte);
	kvm_pfn_t frame = page_to_pfn(table);
	u64 err, entry, state;

	if (tdx_pamt_get(frame, &to_kvm_tdx(kvm)->cache))
		return -EBUSY;

	err = tdh_mem_sept_add(&to_kvm_tdx(kvm)->td, gfn_to_gpa(gfn), level, table, &entry, &state);
	if (err) {
		tdx_pamt_put(frame);
		return -EBUSY;
	}
	return 0;
}
