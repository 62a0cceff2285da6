// litmus: a write barrier orders no reads
// path: arch/x86/kvm/svm/page.c
static void load_page(struct kvm_vcpu *vcpu, struct kvm_memory_slot *slot, gfn_t gfn)
{
	struct kvm *kvm = vcpu->kvm;
	unsigned long seq;
	struct page *page;
	kvm_pfn_t pfn;

	seq = kvm->mmu_invalidate_seq;
	smp_wmb();
	if (kvm_gmem_get_pfn(kvm, slot, gfn, &pfn, &page, NULL))	// expect: kvm-gmem-fault-without-retry
		return;
	read_lock(&kvm->mmu_lock);
	if (!mmu_invalidate_retry_gfn(kvm, seq, gfn))
		to_ctx(vcpu)->area.page_pa = pfn_to_hpa(pfn);
	read_unlock(&kvm->mmu_lock);
	kvm_release_page_clean(page);
}
