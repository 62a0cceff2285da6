// litmus: an early return for some changes under the shared lock comes before the hook
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int note_change(struct kvm *kvm, struct kvm_mmu_page *sp, gfn_t gfn, u64 old_spte, u64 new_spte, int level, bool shared)
{
	if (!is_mirror_sp(sp))
		return 0;
	if (shared && is_last_spte(old_spte, level))
		return -EBUSY;
	return kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level);	// expect: tdx-external-update-scattered
	return 0;
}

static int change_atomic(struct kvm *kvm, struct kvm_mmu_page *sp, struct tdp_iter *iter, u64 new_spte)
{
	int ret;

	if (!try_cmpxchg64(rcu_dereference_protected(iter->sptep, 1), &iter->old_spte, is_mirror_sp(sp) ? FROZEN_SPTE : new_spte))
		return -EBUSY;

	ret = note_change(kvm, sp, iter->gfn, iter->old_spte, new_spte, iter->level, true);
	if (is_mirror_sp(sp))
		__kvm_tdp_mmu_write_spte(iter->sptep, ret ? iter->old_spte : new_spte);
	return ret;
}

static void change_exclusive(struct kvm *kvm, struct kvm_mmu_page *sp, tdp_ptep_t sptep, gfn_t gfn, u64 old_spte, u64 new_spte,
			     int level)
{
	__kvm_tdp_mmu_write_spte(sptep, new_spte);
	KVM_BUG_ON(note_change(kvm, sp, gfn, old_spte, new_spte, level, false), kvm);
}
