// litmus: a void best-effort splitter of direct roots ends on an error it does not report
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int split_one(struct kvm *kvm, struct tdp_iter *iter, bool shared)
{
	struct kvm_mmu_page *sp = next_spare_sp(kvm);
	int i;

	if (!sp)
		return -ENOMEM;
	for (i = 0; i < SPTE_ENT_PER_PAGE; i++)
		sp->spt[i] = make_small_spte(kvm, iter->old_spte, sp->role, i);
	return tdp_mmu_link_sp(kvm, iter, sp, shared);
}

void try_split_slot(struct kvm *kvm, const struct kvm_memory_slot *slot, gfn_t start, gfn_t end)
{
	struct kvm_mmu_page *root;
	struct tdp_iter iter;
	int r = 0;

	guard(read_lock)(&kvm->mmu_lock);

	__for_each_tdp_mmu_root_yield_safe(kvm, root, slot->as_id, KVM_DIRECT_ROOTS) {
		rcu_read_lock();
		for_each_tdp_pte_min_level(iter, kvm, root, PG_LEVEL_2M, start, end) {
			if (!is_large_pte(iter.old_spte))
				continue;
			r = split_one(kvm, &iter, true);
			if (r)
				break;
		}
		rcu_read_unlock();
		if (r) {
			kvm_tdp_mmu_put_root(kvm, root);
			break;
		}
	}
}
