// path: arch/x86/kvm/vmx/tdx.c
// The function that links a table takes its entry, the one that frees the table puts it: each failed link undoes its own.
static struct page *td_table_of(u64 new_spte, enum pg_level level)
{
	struct kvm_mmu_page *sp = spte_to_child_sp(new_spte);

	if (sp->role.level + 1 != level)
		return NULL;
	return virt_to_page(sp->external_spt);
}

static int td_link_table(struct kvm *kvm, gpa_t gpa, enum pg_level level, u64 new_spte)
{
	u64 err, entry, state;
	struct page *table;
	int r;

	table = td_table_of(new_spte, level);
	if (!table)
		return -EIO;

	r = tdx_pamt_get(page_to_pfn(table));
	if (r)
		return r;

	err = tdh_mem_sept_add(&to_kvm_tdx(kvm)->td, gpa, level, table, &entry, &state);
	if (!err)
		return 0;

	tdx_pamt_put(page_to_pfn(table));
	if (tdx_operand_busy(err))
		return -EBUSY;
	TDX_BUG_ON_2(err, TDH_MEM_SEPT_ADD, entry, state, kvm);
	return -EIO;
}

static void td_free_table(struct kvm *kvm, struct kvm_mmu_page *sp)
{
	if (KVM_BUG_ON(is_hkid_assigned(to_kvm_tdx(kvm)), kvm) ||
	    tdx_reclaim_page(virt_to_page(sp->external_spt)))
		goto out;

	tdx_pamt_put(page_to_pfn(virt_to_page(sp->external_spt)));
	free_page((unsigned long)sp->external_spt);
out:
	sp->external_spt = NULL;
}

static int td_set_spte(struct kvm *kvm, gpa_t gpa, enum pg_level level, u64 new_spte)
{
	return td_link_table(kvm, gpa, level, new_spte);
}
