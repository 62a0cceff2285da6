// litmus: SNP code compares the page count of a level with the count that guest_memfd handed in
// path: arch/x86/kvm/svm/sev.c
static bool level_fits(kvm_pfn_t pfn, kvm_pfn_t nr_pages, int level)
{
	return nr_pages >= KVM_PAGES_PER_HPAGE(level) && IS_ALIGNED(pfn, KVM_PAGES_PER_HPAGE(level));
}

int kvm_arch_gmem_make_private(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, kvm_pfn_t nr_pages)
{
	int level = level_fits(pfn, nr_pages, PG_LEVEL_2M) ? PG_LEVEL_2M : PG_LEVEL_4K;

	return seal_frame_at(kvm, gfn, pfn, level);
}

int snp_check_leaf(kvm_pfn_t pfn, kvm_pfn_t nr_pages, int level)
{
	return level_fits(pfn, nr_pages, level) ? 0 : -EINVAL;
}
