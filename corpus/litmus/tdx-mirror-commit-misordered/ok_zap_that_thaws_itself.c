// litmus: a zap freezes the entry, flushes and stores the final value itself; who calls it has no frozen entry
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int try_set(struct tdp_iter *iter, u64 new_spte)
{
	if (!try_cmpxchg64(rcu_dereference_protected(iter->sptep, 1), &iter->old_spte, new_spte))
		return -EBUSY;
	return 0;
}

static int zap_atomic(struct kvm *kvm, struct tdp_iter *iter)
{
	int ret = try_set(iter, FROZEN_SPTE);

	if (ret)
		return ret;
	kvm_flush_remote_tlbs_gfn(kvm, iter->gfn, iter->level);
	__kvm_tdp_mmu_write_spte(iter->sptep, SHADOW_NONPRESENT_VALUE);
	return 0;
}

void zap_collapsible(struct kvm *kvm, struct tdp_iter *iter)
{
	if (zap_atomic(kvm, iter))
		return;
	iter->old_spte = kvm_tdp_mmu_read_spte(iter->sptep);
}
