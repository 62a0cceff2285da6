// An allocation that gives nothing ends the work, or something is done about it before the next try.
// path: arch/x86/kvm/mmu/tdp_mmu.c
static struct kvm_mmu_page *tdp_alloc_sp(void)
{
	struct kvm_mmu_page *sp;

	sp = kmem_cache_zalloc(mmu_page_header_cache, GFP_KERNEL_ACCOUNT);
	if (!sp)
		return NULL;

	return sp;
}

int tdp_split(struct kvm *kvm)
{
	struct kvm_mmu_page *sp = NULL;

retry:
	if (!is_large_pte(kvm->arch.pte))
		return 0;

	if (!sp) {
		sp = tdp_alloc_sp();
		if (!sp)
			return -ENOMEM;
		cond_resched();
		goto retry;
	}

	kvm->arch.sp = sp;
	return 0;
}

struct page *tdp_after_reclaim(struct kvm *kvm)
{
	struct page *page;

	while (!(page = alloc_page(GFP_NOWAIT)))
		tdp_drop_some_pages(kvm);

	return page;
}

struct page *tdp_some_tries(struct kvm *kvm)
{
	struct page *page;
	int tries = 0;

	do {
		cond_resched();
		page = alloc_page(GFP_ATOMIC);
		tries = tries + 1;
	} while (!page && tries < 3);

	return page;
}

struct page *tdp_until_killed(struct kvm *kvm)
{
	struct page *page;

	for (;;) {
		page = alloc_page(GFP_KERNEL_ACCOUNT);
		if (page || fatal_signal_pending(current))
			return page;
		cond_resched();
	}
}

struct page *tdp_never_fails(struct kvm *kvm)
{
	struct page *page;

	do {
		page = alloc_page(GFP_KERNEL | __GFP_NOFAIL);
	} while (!page);

	return page;
}

int tdp_fill(struct kvm *kvm, struct page **pages, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		pages[i] = alloc_page(GFP_KERNEL_ACCOUNT);
		if (!pages[i])
			continue;
		kvm->arch.filled++;
	}
	return 0;
}
