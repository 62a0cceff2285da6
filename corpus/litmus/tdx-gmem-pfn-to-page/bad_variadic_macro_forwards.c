// litmus: a variadic macro forwards the PFN to the function it is given
// path: arch/x86/kvm/vmx/tdx.c
#define if_alive(kvm, fn, args...)			\
({							\
	int __r = -EIO;					\
							\
	if (!(kvm)->vm_dead)				\
		__r = fn(args);				\
	__r;						\
})

static int refs_of(gfn_t gfn, kvm_pfn_t pfn)
{
	struct page *page = pfn_to_page(pfn);	// expect: tdx-gmem-pfn-to-page

	return note_page(gfn, page);
}

int td_probe_leaf(struct kvm *kvm, gfn_t gfn, u64 spte)
{
	return if_alive(kvm, refs_of, gfn, spte_to_pfn(spte));
}
