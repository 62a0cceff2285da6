// litmus: a variadic macro forwards the PFN of an S-EPT table to the function it is given
// path: arch/x86/kvm/vmx/tdx.c
#define if_alive(kvm, fn, args...)			\
({							\
	int __r = -EIO;					\
							\
	if (!(kvm)->vm_dead)				\
		__r = fn(args);				\
	__r;						\
})

static int refs_of(gfn_t gfn, unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);

	return note_page(gfn, page);
}

int td_probe_table(struct kvm *kvm, struct kvm_mmu_page *sp)
{
	return if_alive(kvm, refs_of, sp->gfn, page_to_pfn(virt_to_page(sp->external_spt)));
}
