// litmus: only the pre-check is made
// path: arch/x86/kvm/svm/page.c
static void load_page(struct kvm_vcpu *vcpu, struct kvm_memory_slot *slot, gfn_t gfn)
{
	struct kvm *kvm = vcpu->kvm;
	unsigned long seq;
	struct page *page;
	kvm_pfn_t pfn;

	seq = kvm->mmu_invalidate_seq;
	smp_rmb();
	if (kvm_gmem_get_pfn(kvm, slot, gfn, &pfn, &page, NULL))
		return;
	read_lock(&kvm->mmu_lock);
	if (!mmu_invalidate_retry_gfn_unsafe(kvm, seq, gfn))
		to_ctx(vcpu)->area.page_pa = pfn_to_hpa(pfn);	// expect: kvm-gmem-fault-without-retry
	read_unlock(&kvm->mmu_lock);
	kvm_release_page_clean(page);
}
