// path: arch/x86/kvm/mmu/mmu.c
static int split(struct kvm *kvm, gfn_t gfn)
{
	if (!kvm->cache)
		return -ENOMEM;
	return 0;
}

int prepare(struct kvm *kvm, gfn_t gfn)
{
	bool r = split(kvm, gfn);  // expect: kvm-errno-truncated "cut in bool r"

	return r;
}
