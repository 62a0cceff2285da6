// path: arch/x86/kvm/mmu/mmu.c
static int split(struct kvm *kvm, gfn_t gfn)
{
	if (!kvm->cache)
		return -ENOMEM;
	return 0;
}

// An int that answers yes or no, as old predicates do.
int is_unsplit(struct kvm *kvm, gfn_t gfn)
{
	return split(kvm, gfn) != 0;
}

bool prepare(struct kvm *kvm, gfn_t gfn)
{
	return is_unsplit(kvm, gfn);
}
