// litmus: both cases of a switch keep the result, one test serves both
// path: arch/x86/kvm/vmx/tdx.c
static int install(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, struct page *sept_page, enum pg_level level)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	gpa_t gpa = gfn_to_gpa(gfn);
	u64 status = 0, entry, state;

	switch (level) {
	case PG_LEVEL_4K:
		status = tdh_mem_page_aug(&tdx->td, gpa, level, pfn, &entry, &state);
		break;
	case PG_LEVEL_2M:
		status = tdh_mem_sept_add(&tdx->td, gpa, level, sept_page, &entry, &state);
		break;
	default:
		return -EINVAL;
	}

	if (unlikely(tdx_operand_busy(status)))
		return -EBUSY;
	return TDX_BUG_ON(status, TDH_MEM_PAGE_AUG, kvm) ? -EIO : 0;
}

int td_fault_in(struct kvm *kvm, gfn_t gfn, u64 spte, struct page *sept_page, enum pg_level level)
{
	guard(read_lock)(&kvm->mmu_lock);
	return install(kvm, gfn, spte_to_pfn(spte), sept_page, level);
}
