// litmus: the order of guest_memfd is right, the folio's makes the minimum of both wrong
// path: arch/x86/kvm/mmu/mmu.c
static u8 folio_level(kvm_pfn_t pfn)
{
	return kvm_max_level_for_order(folio_order(pfn_folio(pfn)));	// expect: tdx-gmem-pfn-to-page
}

int faultin_private(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	int order, r;

	r = kvm_gmem_get_pfn(vcpu->kvm, fault->slot, fault->gfn, &fault->pfn, &fault->refcounted_page, &order);
	if (r)
		return r;

	fault->max_level = min(kvm_max_level_for_order(order), folio_level(fault->pfn));	// expect: tdx-mapping-size-from-folio
	return RET_PF_CONTINUE;
}
