// litmus: generic MMU code tests a bit of the page behind pfn_valid(), reached from fault->pfn
// path: arch/x86/kvm/mmu/spte.c
static bool frame_is_device(kvm_pfn_t pfn)
{
	if (!pfn_valid(pfn))
		return true;

	return PageReserved(pfn_to_page(pfn));
}

u64 compose_spte(kvm_pfn_t pfn, u64 bits)
{
	if (frame_is_device(pfn))
		bits |= shadow_mmio_mask;
	return PFN_PHYS(pfn) | bits;
}
// path: arch/x86/kvm/mmu/mmu.c
u64 spte_for_fault(struct kvm_page_fault *fault)
{
	return compose_spte(fault->pfn, PT_PRESENT_MASK);
}
