// litmus: the snapshot is younger than the PFN it guards
// path: arch/x86/kvm/svm/page.c
static void load_page(struct kvm_vcpu *vcpu, struct kvm_memory_slot *slot, gfn_t gfn)
{
	struct kvm *kvm = vcpu->kvm;
	unsigned long seq;
	struct page *page;
	kvm_pfn_t pfn;

	if (kvm_gmem_get_pfn(kvm, slot, gfn, &pfn, &page, NULL))
		return;
	seq = kvm->mmu_invalidate_seq;	// expect: kvm-gmem-fault-without-retry
	smp_rmb();
	read_lock(&kvm->mmu_lock);
	if (!mmu_invalidate_retry_gfn(kvm, seq, gfn))
		to_ctx(vcpu)->area.page_pa = pfn_to_hpa(pfn);
	read_unlock(&kvm->mmu_lock);
	kvm_release_page_clean(page);
}
