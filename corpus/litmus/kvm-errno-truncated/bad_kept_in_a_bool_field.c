// path: arch/x86/kvm/mmu/mmu.c
static int split(struct kvm *kvm, gfn_t gfn)
{
	if (!kvm->cache)
		return -ENOMEM;
	return 0;
}

struct walk {
	bool failed_walk;
	int level;
};

void walk_one(struct kvm *kvm, struct walk *walk, gfn_t gfn)
{
	walk->failed_walk |= split(kvm, gfn);  // expect: kvm-errno-truncated "walk->failed_walk"
}
