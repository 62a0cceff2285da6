// litmus: the same chain with flags that do not block
// path: arch/x86/kvm/mmu/tdp_mmu.c
static void *pool_get(size_t size, gfp_t gfp)
{
	return kvzalloc(size, gfp);
}

static int pool_fill(struct kvm *kvm)
{
	kvm->pool = pool_get(PAGE_SIZE, GFP_NOWAIT | __GFP_ACCOUNT);
	return kvm->pool ? 0 : -ENOMEM;
}

int pool_prepare(struct kvm *kvm)
{
	int r;

	write_lock(&kvm->mmu_lock);
	r = pool_fill(kvm);
	write_unlock(&kvm->mmu_lock);
	return r;
}
