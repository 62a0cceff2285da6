// path: arch/x86/kvm/mmu/mmu.c
static int split(struct kvm *kvm, gfn_t gfn)
{
	if (!kvm->cache)
		return -ENOMEM;
	return 0;
}

static bool split_head(struct kvm *kvm, gfn_t gfn)
{
	return split(kvm, gfn);  // expect: kvm-errno-truncated "cut in bool split_head()"
}

static int split_both(struct kvm *kvm, gfn_t gfn)
{
	return split_head(kvm, gfn);
}

int prepare(struct kvm *kvm, gfn_t gfn)
{
	int r = split_both(kvm, gfn);

	if (r < 0)
		return r;
	return 0;
}
