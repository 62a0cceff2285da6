// litmus: SNP code keeps the page that guest_memfd returned only to release it behind the PFN's use
// path: arch/x86/kvm/svm/sev.c
int snp_adopt_frame(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn)
{
	struct page *page;
	kvm_pfn_t pfn;
	int r;

	r = kvm_gmem_get_pfn(kvm, slot, gfn, &pfn, &page, NULL);
	if (r)
		return r;

	r = seal_frame_at(kvm, gfn, pfn, PG_LEVEL_4K);
	kvm_release_page_clean(page);
	return r;
}
