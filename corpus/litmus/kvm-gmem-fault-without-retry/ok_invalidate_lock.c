// litmus: the invalidate lock of the file keeps the PFN
// path: arch/x86/kvm/svm/page.c
static void load_page(struct kvm_vcpu *vcpu, struct kvm_memory_slot *slot, gfn_t gfn)
{
	struct kvm *kvm = vcpu->kvm;
	struct page *page;
	kvm_pfn_t pfn;

	kvm_assert_gmem_invalidate_lock_held(slot);
	if (kvm_gmem_get_pfn(kvm, slot, gfn, &pfn, &page, NULL))
		return;
	to_ctx(vcpu)->area.page_pa = pfn_to_hpa(pfn);
	kvm_release_page_clean(page);
}
