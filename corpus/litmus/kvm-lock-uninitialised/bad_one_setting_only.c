// path: arch/x86/kvm/mmu/mmu.c
// One kind of MMU gets the lock, both take it.
struct kvm_pages {
	spinlock_t sync_lock;
	int nr;
};

static bool direct_mmu;

void kvm_pages_init(struct kvm_pages *pages)
{
	pages->nr = 0;
	if (!direct_mmu)
		spin_lock_init(&pages->sync_lock);
}

static int sync_pages(struct kvm_pages *pages)
{
	int nr;

	spin_lock(&pages->sync_lock);	// expect: kvm-lock-uninitialised
	nr = ++pages->nr;
	spin_unlock(&pages->sync_lock);
	return nr;
}

static int direct_fault(struct kvm_pages *pages)
{
	return sync_pages(pages);
}

int kvm_fault(struct kvm_pages *pages)
{
	if (direct_mmu)
		return direct_fault(pages);
	return sync_pages(pages);
}
