// litmus: the page that guest_memfd hands out is only released, the PFN stays a number
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

	return is_noslot_pfn(pfn) ? -EINVAL : 0;
}
