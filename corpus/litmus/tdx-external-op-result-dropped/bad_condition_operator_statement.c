// litmus: the call sits in a conditional expression whose value is thrown away, behind a wrapper of another file
// path: arch/x86/kvm/mmu/mmu_external.c
int push_change(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, int level)
{
	int r = kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level);

	return r;
}
// path: arch/x86/kvm/mmu/tdp_mmu.c
void install_mirror_leaf(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	read_lock(&kvm->mmu_lock);
	is_mirror_sptep(iter->sptep) ?
		push_change(kvm, iter->gfn, iter->old_spte, new_spte, iter->level) : 0;	// expect: tdx-external-op-result-dropped
	read_unlock(&kvm->mmu_lock);
}
