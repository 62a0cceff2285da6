// litmus: the lock state decides with another condition about tracing, not about the hook; shared memory is no shared lock
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int note_change(struct kvm *kvm, struct kvm_mmu_page *sp, gfn_t gfn, u64 old_spte, u64 new_spte, int level, bool shared)
{
	bool is_shared = gfn & kvm_gfn_direct_bits(kvm);

	if (shared && is_shadow_present_pte(old_spte))
		trace_kvm_mmu_shared(gfn);
	if (shared || is_shadow_present_pte(old_spte))
		note_change_seen(gfn);
	if (is_shared)
		return 0;
	if (is_mirror_sp(sp))
		return kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level);
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
