// path: arch/x86/kvm/mmu/mmu.c
static int split(struct kvm *kvm, gfn_t gfn)
{
	if (!kvm->cache)
		return -ENOMEM;
	return 0;
}

int prepare(struct kvm *kvm, gfn_t gfn)
{
	u8 r;

	r = split(kvm, gfn);  // expect: kvm-errno-truncated "cut in u8 r"
	if (r < 0)
		return -EFAULT;
	return 0;
}
