// path: arch/x86/kvm/mmu/mmu.c
static int split(struct kvm *kvm, gfn_t gfn)
{
	if (!kvm->cache)
		return -ENOMEM;
	return 0;
}

bool unmap(struct kvm *kvm, gfn_t gfn)
{
	bool flush = false;

	flush |= split(kvm, gfn);  // expect: kvm-errno-truncated "ORed into flush"
	return flush;
}
