// litmus: a zap hands the frozen entry to its caller, which leaves it so
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
	return ret;
}

void zap_collapsible(struct kvm *kvm, struct tdp_iter *iter)
{
	if (zap_atomic(kvm, iter))
		return;
	kvm_flush_remote_tlbs(kvm);
}  // expect: tdx-mirror-commit-misordered
