// path: arch/x86/kvm/mmu/mmu.c
// A helper takes the lock that it is given; another makes the flags of an allocation a parameter.
static void kvm_take(rwlock_t *lock)
{
	write_lock(lock);
}

static struct page *kvm_page(gfp_t gfp)
{
	return alloc_page(gfp | __GFP_ZERO);
}

void kvm_zap_some(struct kvm *kvm)
{
	kvm_take(&kvm->mmu_lock);
	mutex_lock(&kvm->slots_lock);  // expect: kvm-sleep-under-mmu-lock
	mutex_unlock(&kvm->slots_lock);
	write_unlock(&kvm->mmu_lock);
}

void kvm_fill_some(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	use_page(kvm, kvm_page(GFP_KERNEL));  // expect: kvm-sleep-under-mmu-lock
	write_unlock(&kvm->mmu_lock);
}
