// litmus: each level has its own reset
// path: arch/x86/kvm/vmx/tdx.c
int td_put(struct kvm *kvm, gfn_t gfn, enum pg_level level, kvm_pfn_t pfn)
{
	u64 entry, state;
	u64 err = tdh_mem_page_note(&to_kvm_tdx(kvm)->td, gfn_to_gpa(gfn), level, &entry, &state);

	if (err)
		return -EIO;
	switch (level) {
	case PG_LEVEL_4K:
		tdx_quirk_reset_paddr(PFN_PHYS(pfn), PAGE_SIZE);
		break;
	case PG_LEVEL_2M:
		tdx_quirk_reset_paddr(PFN_PHYS(pfn), PMD_SIZE);
		break;
	default:
		return -EIO;
	}
	return 0;
}
