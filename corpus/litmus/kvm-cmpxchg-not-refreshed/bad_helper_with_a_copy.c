// The helper refreshes a copy of its own; the iterator keeps the value that lost.
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int tdp_set_once(struct tdp_iter *iter, u64 new_spte)
{
	u64 old = iter->old_spte;

	if (!try_cmpxchg64(iter->sptep, &old, new_spte))
		return -EBUSY;
	return 0;
}

static int tdp_set(struct tdp_iter *iter, u64 new_spte)
{
	return tdp_set_once(iter, new_spte);
}

void tdp_clear_all(struct tdp_iter *iter)
{
again:
	if (tdp_set(iter, iter->old_spte & ~1ull))  // expect: kvm-cmpxchg-not-refreshed "iter->old_spte"
		goto again;
}
