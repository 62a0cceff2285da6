// litmus: two thin wrappers return the result, their last caller drops it
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int __push_change(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, int level)
{
	return kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level);
}

static int push_change(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	return __push_change(kvm, iter->gfn, iter->old_spte, new_spte, iter->level);
}

void install_mirror_leaf(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	read_lock(&kvm->mmu_lock);
	push_change(kvm, iter, new_spte);	// expect: tdx-external-op-result-dropped
	read_unlock(&kvm->mmu_lock);
}
