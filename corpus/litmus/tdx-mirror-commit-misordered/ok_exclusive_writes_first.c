// litmus: with the lock held for write the value is written first, and a refusal bugs the VM
// path: arch/x86/kvm/mmu/tdp_mmu.c
void change_exclusive(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	lockdep_assert_held_write(&kvm->mmu_lock);
	__kvm_tdp_mmu_write_spte(iter->sptep, new_spte);
	kvm_update_page_stats(kvm, iter->level, 1);
	KVM_BUG_ON(kvm_x86_call(set_external_spte)(kvm, iter->gfn, iter->old_spte, new_spte, iter->level), kvm);
}
