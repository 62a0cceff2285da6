// litmus: a new table is linked into a mirror root over a non-present entry, which the read side allows
// path: arch/x86/kvm/mmu/tdp_mmu.c
int grow_mirror(struct kvm *kvm, struct tdp_iter *iter, struct kvm_mmu_page *sp)
{
	int r = -EAGAIN;

	read_lock(&kvm->mmu_lock);
	rcu_read_lock();
	if (!is_mirror_sptep(iter->sptep) || is_frozen_spte(iter->old_spte))
		goto out;
	if (is_shadow_present_pte(iter->old_spte))
		goto out;

	r = tdp_mmu_link_sp(kvm, iter, sp, true);
out:
	rcu_read_unlock();
	read_unlock(&kvm->mmu_lock);
	return r;
}
