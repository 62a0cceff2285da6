// litmus: the lookup gives the reference with the PFN and no page, so that dropping it needs one
// path: arch/x86/kvm/svm/sev.c
void handle_fault(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn)
{
	kvm_pfn_t pfn;
	int order;

	if (kvm_gmem_get_pfn(kvm, slot, gfn, &pfn, &order))
		return;
	if (is_huge(pfn))
		smash(pfn);
	put_page(pfn_to_page(pfn));
}
