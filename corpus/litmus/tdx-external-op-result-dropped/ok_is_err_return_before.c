// litmus: the IS_ERR() return comes before the call, whose result is returned on the one path left
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int push_change(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	struct kvm_mmu_page *spare;
	int ret;

	spare = next_spare_sp(kvm);
	if (IS_ERR(spare))
		return PTR_ERR(spare);

	ret = kvm_x86_call(set_external_spte)(kvm, iter->gfn, iter->old_spte, new_spte, iter->level);
	tdp_mmu_free_unused_sp(spare);
	return ret;
}

int install_mirror_leaf(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	guard(read_lock)(&kvm->mmu_lock);
	return push_change(kvm, iter, new_spte);
}
