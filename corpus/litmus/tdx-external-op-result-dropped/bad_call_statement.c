// litmus: the update of the external entry is a bare statement
// path: arch/x86/kvm/mmu/tdp_mmu.c
void install_mirror_leaf(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	read_lock(&kvm->mmu_lock);
	kvm_x86_call(set_external_spte)(kvm, iter->gfn, iter->old_spte, new_spte, iter->level);	// expect: tdx-external-op-result-dropped
	note_change(kvm, iter->gfn);
	read_unlock(&kvm->mmu_lock);
}

void install_if_mirror(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	if (is_mirror_sptep(iter->sptep))
		install_mirror_leaf(kvm, iter, new_spte);
}
