// path: arch/x86/kvm/mmu/mmu.c
static int split(struct kvm *kvm, gfn_t gfn)
{
	if (!kvm->cache)
		return -ENOMEM;
	return 0;
}

static bool can_split(struct kvm *kvm, gfn_t gfn)
{
	return !split(kvm, gfn);
}

int prepare(struct kvm *kvm, gfn_t gfn)
{
	if (!can_split(kvm, gfn))
		return -ENOMEM;
	return 0;
}
