// path: arch/x86/kvm/mmu/mmu.c
static int split(struct kvm *kvm, gfn_t gfn)
{
	if (!kvm->cache)
		return -ENOMEM;
	return 0;
}

int finish(struct kvm *kvm, gfn_t gfn, bool *flush)
{
	int r = split(kvm, gfn);

	if (r < 0)
		return r;
	*flush |= r;
	return 0;
}
