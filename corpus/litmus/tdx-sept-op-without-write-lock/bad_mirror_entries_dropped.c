// litmus: a walk of all roots under the read lock protects shared entries and drops private ones
// path: arch/x86/kvm/mmu/tdp_mmu.c
static void tdp_mmu_protect(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start, gfn_t end)
{
	struct tdp_iter iter;
	u64 new_spte;

	lockdep_assert_held_read(&kvm->mmu_lock);
	guard(rcu)();
	for_each_tdp_pte_min_level(iter, kvm, root, PG_LEVEL_4K, start, end) {
retry:
		if (is_mirror_sptep(iter.sptep))
			new_spte = SHADOW_NONPRESENT_VALUE;
		else
			new_spte = iter.old_spte & ~PT_WRITABLE_MASK;
		if (tdp_mmu_set_spte_atomic(kvm, &iter, new_spte))	// expect: tdx-sept-op-without-write-lock
			goto retry;
	}
}

void kvm_mmu_drop(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start, gfn_t end)
{
	read_lock(&kvm->mmu_lock);
	tdp_mmu_protect(kvm, root, start, end);
	read_unlock(&kvm->mmu_lock);
}
