// litmus: huge leafs of direct roots are split with shared == true, those of mirror roots with false
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int split_leaf(struct kvm *kvm, struct tdp_iter *iter, struct kvm_mmu_page *sp, bool shared)
{
	const u64 huge_spte = iter->old_spte;
	int ret, i;

	for (i = 0; i < SPTE_ENT_PER_PAGE; i++)
		sp->spt[i] = make_small_spte(kvm, huge_spte, sp->role, i);

	ret = tdp_mmu_link_sp(kvm, iter, sp, shared);
	if (!ret)
		kvm_update_page_stats(kvm, iter->level - 1, SPTE_ENT_PER_PAGE);
	return ret;
}

static int split_roots(struct kvm *kvm, int as_id, enum kvm_tdp_mmu_root_types types, gfn_t start,
		       gfn_t end, bool shared)
{
	struct kvm_mmu_page *root;
	struct tdp_iter iter;
	int r = 0;

	__for_each_tdp_mmu_root_yield_safe(kvm, root, as_id, types) {
		rcu_read_lock();
		for_each_tdp_pte_min_level(iter, kvm, root, PG_LEVEL_2M, start, end) {
			if (!is_shadow_present_pte(iter.old_spte) || !is_large_pte(iter.old_spte))
				continue;
			r |= split_leaf(kvm, &iter, next_spare_sp(kvm), shared);
		}
		rcu_read_unlock();
	}
	return r ? -EAGAIN : 0;
}

int split_for_dirty_log(struct kvm *kvm, const struct kvm_memory_slot *slot, gfn_t start, gfn_t end)
{
	guard(read_lock)(&kvm->mmu_lock);
	return split_roots(kvm, slot->as_id, KVM_DIRECT_ROOTS, start, end, true);
}

int split_private_range(struct kvm *kvm, const struct kvm_memory_slot *slot, gfn_t start, gfn_t end)
{
	guard(write_lock)(&kvm->mmu_lock);
	return split_roots(kvm, slot->as_id, KVM_MIRROR_ROOTS, start, end, false);
}
