// A helper walks outside of a section: said where it walks, not in the iterator that all walks share.
// path: arch/x86/kvm/mmu/tdp_iter.c
static u64 tdp_iter_read(u64 *sptep)
{
	return READ_ONCE(*rcu_dereference(sptep));
}

void tdp_iter_restart(struct tdp_iter *iter)
{
	iter->old_spte = tdp_iter_read(iter->sptep);
}

void tdp_iter_start(struct tdp_iter *iter, struct kvm_mmu_page *root, int min_level, gfn_t gfn)
{
	iter->valid = root->valid;
	tdp_iter_restart(iter);
}

void tdp_iter_next(struct tdp_iter *iter)
{
	iter->old_spte = tdp_iter_read(iter->sptep);
}
// path: arch/x86/kvm/mmu/tdp_iter.h
#define for_each_tdp_pte(iter, kvm, root, start, end) \
	for (tdp_iter_start(&iter, root, 1, start); iter.valid && iter.gfn < end; tdp_iter_next(&iter))
// path: arch/x86/kvm/mmu/tdp_mmu.c
static bool tdp_peek(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t gfn)
{
	struct tdp_iter iter;

	for_each_tdp_pte(iter, kvm, root, gfn, gfn + 1) { // expect: kvm-rcu-scope-left "on the path from tdp_any()"
		if (iter.old_spte)
			return true;
	}
	return false;
}

static bool tdp_peek_safely(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t gfn)
{
	bool found;

	rcu_read_lock();
	found = tdp_peek(kvm, root, gfn);
	rcu_read_unlock();
	return found;
}

bool tdp_any(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t gfn)
{
	return tdp_peek_safely(kvm, root, gfn) || tdp_peek(kvm, root, gfn + 1);
}
