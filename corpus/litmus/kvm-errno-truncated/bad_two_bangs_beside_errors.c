// path: arch/x86/kvm/mmu/mmu.c
static int split(struct kvm *kvm, gfn_t gfn)
{
	if (!kvm->cache)
		return -ENOMEM;
	return 0;
}

int prepare(struct kvm *kvm, gfn_t gfn)
{
	int r;

	if (!kvm->tdp)
		return -EOPNOTSUPP;
	r = split(kvm, gfn);
	return !!r;  // expect: kvm-errno-truncated "returned as int"
}
