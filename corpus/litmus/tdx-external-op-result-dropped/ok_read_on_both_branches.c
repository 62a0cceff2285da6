// litmus: the result is returned in one mode and bugs the VM in the other
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int push_change(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte, bool atomic)
{
	int ret;

	ret = kvm_x86_call(set_external_spte)(kvm, iter->gfn, iter->old_spte, new_spte, iter->level);
	if (atomic)
		return ret;

	KVM_BUG_ON(ret, kvm);
	note_change(kvm, iter->gfn);
	return 0;
}

int install_mirror_leaf(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte, bool atomic)
{
	guard(read_lock)(&kvm->mmu_lock);
	return push_change(kvm, iter, new_spte, atomic);
}
