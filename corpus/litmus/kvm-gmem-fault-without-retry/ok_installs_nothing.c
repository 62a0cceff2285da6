// litmus: the PFN is looked at, and the mapping is zapped
// path: arch/x86/kvm/svm/page.c
static void load_page(struct kvm_vcpu *vcpu, struct kvm_memory_slot *slot, gfn_t gfn)
{
	struct kvm *kvm = vcpu->kvm;
	unsigned long seq;
	struct page *page;
	kvm_pfn_t pfn;

	if (kvm_gmem_get_pfn(kvm, slot, gfn, &pfn, &page, NULL))
		return;
	if (lookup_entry(pfn))
		kvm_zap_gfn_range(kvm, gfn, gfn + 1);
	kvm_release_page_unused(page);
}
