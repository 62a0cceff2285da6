// path: arch/x86/kvm/vmx/tdx.c
// A page of the S-EPT is small whatever the level of the entry; an error that was put is not followed by busy.
static struct page *tdx_table_of(struct kvm *kvm, u64 new_spte)
{
	struct kvm_mmu_page *sp = spte_to_child_sp(new_spte);

	return virt_to_page(sp->external_spt);
}

static int tdx_link_table(struct kvm *kvm, gpa_t gpa, enum pg_level level, u64 new_spte)
{
	struct page *page = tdx_table_of(kvm, new_spte);
	u64 err, entry, state;

	if (tdx_pamt_get(page))
		return -ENOMEM;

	err = tdh_mem_sept_add(kvm->td, gpa, level, page, &entry, &state);
	if (err)
		tdx_pamt_put(page);
	if (unlikely(tdx_operand_busy(err)))
		return -EBUSY;
	if (TDX_BUG_ON_2(err, TDH_MEM_SEPT_ADD, entry, state, kvm))
		return -EIO;

	return 0;
}
