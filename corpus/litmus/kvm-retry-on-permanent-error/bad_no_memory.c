// An allocation that gives nothing is made again, with locks dropped in between and nothing else done.
// path: arch/x86/kvm/mmu/tdp_mmu.c
static struct kvm_mmu_page *tdp_alloc_sp(void)
{
	struct kvm_mmu_page *sp;

	sp = kmem_cache_zalloc(mmu_page_header_cache, GFP_KERNEL_ACCOUNT);
	if (!sp)
		return NULL;

	sp->spt = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!sp->spt) {
		kmem_cache_free(mmu_page_header_cache, sp);
		return NULL;
	}

	return sp;
}

static struct kvm_mmu_page *tdp_take_sp(struct kvm *kvm)
{
	return tdp_alloc_sp();
}

int tdp_split(struct kvm *kvm)
{
	struct kvm_mmu_page *sp = NULL;

retry:
	if (!is_large_pte(kvm->arch.pte))
		return 0;

	if (!sp) {
		write_unlock(&kvm->mmu_lock);
		sp = tdp_take_sp(kvm); // expect: kvm-retry-on-permanent-error "tried again after it gave no memory"
		write_lock(&kvm->mmu_lock);

		if (!sp) {
			trace_kvm_no_page(kvm);
			goto retry;
		}
	}

	kvm->arch.sp = sp;
	return 0;
}

void *tdp_page(struct kvm *kvm)
{
	void *page;

	while (!(page = (void *)get_zeroed_page(GFP_NOWAIT))) // expect: kvm-retry-on-permanent-error "no memory"
		cpu_relax();

	return page;
}

struct page *tdp_struct_page(struct kvm *kvm)
{
	struct page *page;

	do {
		cond_resched();
		page = alloc_page(GFP_ATOMIC); // expect: kvm-retry-on-permanent-error "no memory"
	} while (page == NULL);

	return page;
}

struct page *tdp_endless(struct kvm *kvm)
{
	for (;;) {
		struct page *page = alloc_page(GFP_KERNEL_ACCOUNT); // expect: kvm-retry-on-permanent-error "no memory"

		if (page)
			return page;
		pr_warn("no page\n");
	}
}
