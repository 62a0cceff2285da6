// litmus: the fault that fills a table of a direct root makes one leaf of it
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int put_spte(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	return try_cmpxchg64(rcu_dereference_protected(iter->sptep, 1), &iter->old_spte, new_spte) ? 0 : -EBUSY;
}

static int collapse_full_table(struct kvm *kvm, struct tdp_iter *above, struct kvm_mmu_page *sp)
{
	u64 huge = make_huge_spte(kvm, sp->spt[0], above->level);

	return put_spte(kvm, above, huge);
}

int filled(struct kvm *kvm, struct tdp_iter *above, struct kvm_mmu_page *sp)
{
	bool private = is_mirror_sp(sp);

	if (!private && table_is_full(sp))
		return collapse_full_table(kvm, above, sp);
	return 0;
}
