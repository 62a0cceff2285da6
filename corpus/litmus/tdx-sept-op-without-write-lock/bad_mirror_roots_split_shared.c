// litmus: all huge leafs of the mirror roots are split with shared == true
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int split_leaf(struct kvm *kvm, struct tdp_iter *iter, struct kvm_mmu_page *sp, bool shared)
{
	const u64 huge_spte = iter->old_spte;
	int ret, i;

	for (i = 0; i < SPTE_ENT_PER_PAGE; i++)
		sp->spt[i] = make_small_spte(kvm, huge_spte, sp->role, i);

	ret = tdp_mmu_link_sp(kvm, iter, sp, shared);	// expect: tdx-sept-op-without-write-lock
	if (!ret)
		kvm_update_page_stats(kvm, iter->level - 1, SPTE_ENT_PER_PAGE);
	return ret;
}

static int split_root(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start, gfn_t end, bool shared)
{
	struct tdp_iter iter;
	int r = 0;

	rcu_read_lock();
	for_each_tdp_pte_min_level(iter, kvm, root, PG_LEVEL_2M, start, end) {
		if (!is_shadow_present_pte(iter.old_spte) || !is_large_pte(iter.old_spte))
			continue;
		r = split_leaf(kvm, &iter, next_spare_sp(kvm), shared);
		if (r)
			break;
	}
	rcu_read_unlock();
	return r;
}

int split_private_range(struct kvm *kvm, const struct kvm_memory_slot *slot, gfn_t start, gfn_t end)
{
	struct kvm_mmu_page *root;
	int r = 0;

	read_lock(&kvm->mmu_lock);
	__for_each_tdp_mmu_root_yield_safe(kvm, root, slot->as_id, KVM_MIRROR_ROOTS) {
		r = split_root(kvm, root, start, end, true);
		if (r) {
			kvm_tdp_mmu_put_root(kvm, root);
			break;
		}
	}
	read_unlock(&kvm->mmu_lock);
	return r;
}
