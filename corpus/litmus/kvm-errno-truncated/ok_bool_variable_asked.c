// path: arch/x86/kvm/mmu/mmu.c
static int split(struct kvm *kvm, gfn_t gfn)
{
	if (!kvm->cache)
		return -ENOMEM;
	return 0;
}

int prepare(struct kvm *kvm, gfn_t gfn)
{
	bool failed = split(kvm, gfn) < 0;

	return failed ? -ENOMEM : 0;
}
