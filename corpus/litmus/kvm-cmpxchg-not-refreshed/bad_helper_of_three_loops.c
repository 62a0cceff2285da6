// path: arch/x86/kvm/mmu/tdp_mmu.c
// Three loops rely on one helper, and it keeps the fresh value to itself: told once, at the helper.
static int set_entry(struct walk *walk, u64 new)
{
	u64 old = walk->old;

	if (!try_cmpxchg64(walk->entry, &old, new))	// expect: kvm-cmpxchg-not-refreshed
		return -EBUSY;
	return 0;
}

static void clear_one(struct walk *walk)
{
retry:
	if (set_entry(walk, 0))
		goto retry;
}

static void age_one(struct walk *walk)
{
	while (set_entry(walk, walk->old & ~1))
		;
}

static void protect_one(struct walk *walk)
{
	int r;

	do {
		r = set_entry(walk, walk->old & ~2);
	} while (r);
}
