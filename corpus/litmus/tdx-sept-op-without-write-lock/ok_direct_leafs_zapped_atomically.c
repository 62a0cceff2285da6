// litmus: leafs of direct roots are removed by the update for those who share mmu_lock
// path: arch/x86/kvm/mmu/tdp_mmu.c
static void tdp_mmu_drop_leafs(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start, gfn_t end)
{
	struct tdp_iter iter;

	guard(rcu)();
	for_each_tdp_pte_min_level(iter, kvm, root, PG_LEVEL_4K, start, end) {
retry:
		if (!is_shadow_present_pte(iter.old_spte))
			continue;
		if (tdp_mmu_set_spte_atomic(kvm, &iter, SHADOW_NONPRESENT_VALUE))
			goto retry;
	}
}

void kvm_tdp_mmu_drop_shared(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	struct kvm_mmu_page *root;

	lockdep_assert_held_read(&kvm->mmu_lock);
	__for_each_tdp_mmu_root_yield_safe(kvm, root, slot->as_id, KVM_DIRECT_ROOTS)
		tdp_mmu_drop_leafs(kvm, root, slot->base_gfn, slot->base_gfn + slot->npages);
}

void kvm_mmu_drop(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	read_lock(&kvm->mmu_lock);
	kvm_tdp_mmu_drop_shared(kvm, slot);
	read_unlock(&kvm->mmu_lock);
}
