// litmus: the callback given to kvm_gmem_populate() takes a reference on the page of its PFN
// path: arch/x86/kvm/svm/sev.c
static int fill_one(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, struct page *src_page, void *opaque)
{
	get_page(pfn_to_page(pfn));	// expect: tdx-gmem-pfn-to-page
	return seal_frame(kvm, gfn, pfn, src_page, opaque);
}

long vm_fill_range(struct kvm *kvm, gfn_t gfn, void __user *src, long nr, void *arg)
{
	lockdep_assert_held(&kvm->slots_lock);
	return kvm_gmem_populate(kvm, gfn, src, nr, false, fill_one, arg);
}

long vm_fill_page(struct kvm *kvm, gfn_t gfn, void __user *src, void *arg)
{
	return vm_fill_range(kvm, gfn, src, 1, arg);
}
