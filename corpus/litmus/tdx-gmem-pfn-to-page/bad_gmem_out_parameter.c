// litmus: the PFN that guest_memfd returns through a pointer is looked up as a page
// path: arch/x86/kvm/mmu/mmu.c
static int resolve(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn, kvm_pfn_t *out)
{
	struct page *page;
	int order, r;

	r = kvm_gmem_get_pfn(kvm, slot, gfn, out, &page, &order);
	if (r)
		return r;

	kvm_release_page_clean(page);
	return 0;
}

int probe_private_gfn(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn)
{
	kvm_pfn_t pfn;

	if (resolve(kvm, slot, gfn, &pfn))
		return -EFAULT;

	return PageReserved(pfn_to_page(pfn)) ? -EINVAL : 0;	// expect: tdx-gmem-pfn-to-page
}
