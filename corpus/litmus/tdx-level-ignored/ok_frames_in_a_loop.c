// litmus: the frame moves on in the loop
// path: arch/x86/kvm/vmx/tdx.c
int td_put(struct kvm *kvm, gfn_t gfn, enum pg_level level, kvm_pfn_t pfn)
{
	unsigned long npages = KVM_PAGES_PER_HPAGE(level);
	u64 entry, state;
	u64 err = tdh_mem_page_note(&to_kvm_tdx(kvm)->td, gfn_to_gpa(gfn), level, &entry, &state);

	if (err)
		return -EIO;
	while (npages--)
		tdx_quirk_reset_paddr(PFN_PHYS(pfn++), PAGE_SIZE);
	return 0;
}
