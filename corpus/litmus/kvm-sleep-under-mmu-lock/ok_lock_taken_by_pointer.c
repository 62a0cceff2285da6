// path: arch/x86/kvm/mmu/mmu.c
static void kvm_take(rwlock_t *lock)
{
	write_lock(lock);
}

static void kvm_leave(rwlock_t *lock)
{
	write_unlock(lock);
}

static struct page *kvm_page(gfp_t gfp)
{
	return alloc_page(gfp | __GFP_ZERO);
}

void kvm_zap_some(struct kvm *kvm)
{
	kvm_take(&kvm->mmu_lock);
	use_page(kvm, kvm_page(GFP_NOWAIT));
	cond_resched_rwlock_write(&kvm->mmu_lock);
	kvm_leave(&kvm->mmu_lock);
	mutex_lock(&kvm->slots_lock);
	mutex_unlock(&kvm->slots_lock);
}
