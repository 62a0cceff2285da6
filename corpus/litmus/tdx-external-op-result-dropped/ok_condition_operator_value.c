// litmus: the value of the conditional expression with the call is returned as an errno
// path: arch/x86/kvm/mmu/mmu_external.c
int push_change(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, int level)
{
	int r = kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level);

	return r;
}
// path: arch/x86/kvm/mmu/tdp_mmu.c
int install_mirror_leaf(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	int r;

	read_lock(&kvm->mmu_lock);
	r = is_mirror_sptep(iter->sptep) ?
		push_change(kvm, iter->gfn, iter->old_spte, new_spte, iter->level) : 0;
	read_unlock(&kvm->mmu_lock);
	return r ? -EBUSY : 0;
}
