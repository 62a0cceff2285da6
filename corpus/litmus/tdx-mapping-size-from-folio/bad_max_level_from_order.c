// litmus: the level of a fault is taken from the order of the folio, measured in another file
// path: arch/x86/kvm/mmu/mmu.c
int faultin_private(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	int order, r;

	r = kvm_gmem_get_pfn(vcpu->kvm, fault->slot, fault->gfn, &fault->pfn, &fault->refcounted_page, &order);
	if (r)
		return r;

	fault->max_level = kvm_max_level_for_order(backing_order(fault->pfn));	// expect: tdx-mapping-size-from-folio
	return RET_PF_CONTINUE;
}
// path: arch/x86/kvm/mmu/mmu_backing.c
int backing_order(kvm_pfn_t pfn)
{
	return folio_order(pfn_folio(pfn));	// expect: tdx-gmem-pfn-to-page
}
