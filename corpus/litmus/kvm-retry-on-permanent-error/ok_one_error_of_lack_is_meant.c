// The cache is grown before the next try: -ENOMEM alone leads back.
// path: arch/x86/kvm/mmu/mmu.c
static int mmu_use(struct kvm *kvm)
{
	if (!kvm->tdp)
		return -EOPNOTSUPP;
	return kvm->cache ? 0 : -ENOMEM;
}

int mmu_use_all(struct kvm *kvm)
{
	int r;

again:
	r = mmu_use(kvm);
	if (r == -ENOMEM && !grow(kvm))
		goto again;

	return r;
}
