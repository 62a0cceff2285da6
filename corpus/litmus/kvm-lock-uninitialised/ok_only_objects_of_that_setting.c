// litmus: a lock of one setting is taken for objects that only that setting makes, whoever asks
// path: arch/x86/kvm/mmu/mmu.c
static bool __read_mostly pages_enabled = true;

struct kvm_pages {
	spinlock_t list_lock;
	int count;
};

void pages_init(struct kvm_pages *pages)
{
	if (!pages_enabled)
		return;

	spin_lock_init(&pages->list_lock);
}

static void pages_put(struct kvm_pages *pages)
{
	spin_lock(&pages->list_lock);
	pages->count--;
	spin_unlock(&pages->list_lock);
}

static void root_put(struct kvm_pages *pages, struct kvm_mmu_page *sp)
{
	if (is_listed_page(sp))
		pages_put(pages);
	else
		free_unlisted(sp);
}

void roots_flush(struct kvm_pages *pages, struct kvm_mmu_page *sp)
{
	if (!pages_enabled)
		root_put(pages, sp);
}
