// path: arch/x86/kvm/mmu/mmu.c
static int split(struct kvm *kvm, gfn_t gfn)
{
	if (!kvm->cache)
		return -ENOMEM;
	return 0;
}

struct walk {
	int result_of_walk;
	int level;
};

void walk_one(struct kvm *kvm, struct walk *walk, gfn_t gfn)
{
	walk->result_of_walk = split(kvm, gfn);
}
