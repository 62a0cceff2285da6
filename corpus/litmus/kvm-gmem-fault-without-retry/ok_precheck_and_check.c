// litmus: a pre-check saves the lock, the check decides
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
	if (mmu_invalidate_retry_gfn_unsafe(kvm, seq, gfn))
		return;
	guard(read_lock)(&kvm->mmu_lock);
	if (mmu_invalidate_retry_gfn(kvm, seq, gfn))
		return;
	to_ctx(vcpu)->area.page_pa = pfn_to_hpa(pfn);
}
