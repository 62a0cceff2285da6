// litmus: a failed update of the external entry bugs the VM, the call being the argument of KVM_BUG_ON()
// path: arch/x86/kvm/mmu/tdp_mmu.c
void install_mirror_leaf(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	read_lock(&kvm->mmu_lock);
	KVM_BUG_ON(kvm_x86_call(set_external_spte)(kvm, iter->gfn, iter->old_spte, new_spte, iter->level), kvm);
	note_change(kvm, iter->gfn);
	read_unlock(&kvm->mmu_lock);
}

void install_if_mirror(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	if (is_mirror_sptep(iter->sptep))
		install_mirror_leaf(kvm, iter, new_spte);
}
