// litmus: the callback given to kvm_gmem_populate() maps the PFN locally and uses the page of its source buffer
// path: arch/x86/kvm/svm/sev.c
static int fill_one(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, struct page *src_page, void *opaque)
{
	void *from = kmap_local_page(src_page);
	void *to = kmap_local_pfn(pfn);

	memcpy(to, from, PAGE_SIZE);
	kunmap_local(to);
	kunmap_local(from);
	return seal_frame(kvm, gfn, pfn, src_page, opaque);
}

long vm_fill_range(struct kvm *kvm, gfn_t gfn, void __user *src, long nr, void *arg)
{
	lockdep_assert_held(&kvm->slots_lock);
	return kvm_gmem_populate(kvm, gfn, src, nr, false, fill_one, arg);
}
