// litmus: the change is traced where the external table has it
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int tell(struct kvm *kvm, struct kvm_mmu_page *sp, struct tdp_iter *iter, u64 new_spte)
{
	int r;

	if (!is_mirror_sp(sp))
		goto out;
	r = kvm_x86_call(set_external_spte)(kvm, iter->gfn, iter->old_spte, new_spte, iter->level);
	if (r)
		return r;
out:
	kvm_update_page_stats(kvm, iter->level, 1);
	return 0;
}

int change(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	struct kvm_mmu_page *sp = sptep_to_sp(rcu_dereference_protected(iter->sptep, 1));
	bool mirror = is_mirror_sp(sp);
	u64 first = mirror ? FROZEN_SPTE : new_spte;
	int ret;

	if (!try_cmpxchg64(rcu_dereference_protected(iter->sptep, 1), &iter->old_spte, first))
		return -EBUSY;

	ret = tell(kvm, sp, iter, new_spte);
	if (!ret)
		trace_kvm_tdp_mmu_spte_changed(0, iter->gfn, iter->level, iter->old_spte, new_spte);
	if (mirror)
		__kvm_tdp_mmu_write_spte(iter->sptep, ret ? iter->old_spte : new_spte);
	return ret;
}
