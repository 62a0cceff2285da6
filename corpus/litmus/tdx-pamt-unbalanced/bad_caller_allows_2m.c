// path: arch/x86/kvm/vmx/tdx.c
// The caller of the helper lets 2M through.
static int td_aug(struct kvm *kvm, gpa_t gpa, enum pg_level level, kvm_pfn_t pfn)
{
	u64 err, entry, state;

	if (tdx_pamt_get(pfn))	// expect: tdx-pamt-unbalanced
		return -ENOMEM;

	err = tdh_mem_page_aug(&to_kvm_tdx(kvm)->td, gpa, level, pfn, &entry, &state);
	if (err) {
		tdx_pamt_put(pfn);	// expect: tdx-pamt-unbalanced
		return -EIO;
	}
	return 0;
}

static int td_set_leaf(struct kvm *kvm, gpa_t gpa, enum pg_level level, u64 new_spte)
{
	if (KVM_BUG_ON(level > PG_LEVEL_2M, kvm))
		return -EIO;

	return td_aug(kvm, gpa, level, spte_to_pfn(new_spte));
}
