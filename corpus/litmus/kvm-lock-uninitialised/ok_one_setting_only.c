// path: arch/x86/kvm/mmu/mmu.c
// The kind of MMU that has the lock is the one that takes it.
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

	spin_lock(&pages->sync_lock);
	nr = ++pages->nr;
	spin_unlock(&pages->sync_lock);
	return nr;
}

static int shadow_fault(struct kvm_pages *pages)
{
	return sync_pages(pages);
}

int kvm_fault(struct kvm_pages *pages)
{
	if (direct_mmu)
		return ++pages->nr;
	return shadow_fault(pages);
}

int kvm_sync(struct kvm_pages *pages)
{
	if (direct_mmu)
		return 0;
	return sync_pages(pages);
}
