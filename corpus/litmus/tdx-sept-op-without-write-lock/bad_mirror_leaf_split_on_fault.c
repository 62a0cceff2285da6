// litmus: the fault path splits a huge leaf of a mirror root with mmu_lock held for read
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int split_leaf(struct kvm *kvm, struct tdp_iter *iter, struct kvm_mmu_page *sp, bool shared)
{
	const u64 huge_spte = iter->old_spte;
	int i;

	for (i = 0; i < SPTE_ENT_PER_PAGE; i++)
		sp->spt[i] = make_small_spte(kvm, huge_spte, sp->role, i);

	return tdp_mmu_link_sp(kvm, iter, sp, shared);	// expect: tdx-sept-op-without-write-lock
}

int step_down(struct kvm *kvm, struct tdp_iter *iter, struct kvm_mmu_page *sp)
{
	int r = 0;

	read_lock(&kvm->mmu_lock);
	rcu_read_lock();
	if (is_shadow_present_pte(iter->old_spte) && is_large_pte(iter->old_spte)) {
		if (is_mirror_sptep(iter->sptep))
			r = split_leaf(kvm, iter, sp, true);
		else
			r = -EAGAIN;
	}
	rcu_read_unlock();
	read_unlock(&kvm->mmu_lock);
	return r;
}
