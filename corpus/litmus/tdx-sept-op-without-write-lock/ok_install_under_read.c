// litmus: a table and a page are installed with mmu_lock held for read, as installing must be
// path: arch/x86/kvm/vmx/tdx.c
static int install_page(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, struct page *sept_page)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	gpa_t gpa = gfn_to_gpa(gfn);
	u64 status, entry, state;

	status = tdh_mem_sept_add(&tdx->td, gpa, PG_LEVEL_2M, sept_page, &entry, &state);
	if (unlikely(tdx_operand_busy(status)))
		return -EBUSY;
	if (TDX_BUG_ON_2(status, TDH_MEM_SEPT_ADD, entry, state, kvm))
		return -EIO;

	status = tdh_mem_page_aug(&tdx->td, gpa, PG_LEVEL_4K, pfn, &entry, &state);
	if (unlikely(tdx_operand_busy(status)))
		return -EBUSY;
	if (TDX_BUG_ON_2(status, TDH_MEM_PAGE_AUG, entry, state, kvm))
		return -EIO;
	return 0;
}

int td_fault_in(struct kvm *kvm, gfn_t gfn, u64 spte, struct page *sept_page)
{
	int r;

	read_lock(&kvm->mmu_lock);
	r = install_page(kvm, gfn, spte_to_pfn(spte), sept_page);
	read_unlock(&kvm->mmu_lock);
	return r;
}
