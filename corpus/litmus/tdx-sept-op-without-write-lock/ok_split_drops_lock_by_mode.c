// litmus: a best-effort split of direct roots drops and retakes mmu_lock in the mode it was given
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int split_leaf(struct kvm *kvm, struct tdp_iter *iter, struct kvm_mmu_page *sp, bool shared)
{
	int i;

	for (i = 0; i < SPTE_ENT_PER_PAGE; i++)
		sp->spt[i] = make_small_spte(kvm, iter->old_spte, sp->role, i);
	return tdp_mmu_link_sp(kvm, iter, sp, shared);
}

static struct kvm_mmu_page *refill(struct kvm *kvm, bool shared)
{
	struct kvm_mmu_page *sp;

	if (shared)
		read_unlock(&kvm->mmu_lock);
	else
		write_unlock(&kvm->mmu_lock);

	sp = alloc_spare_sp(kvm);

	if (shared)
		read_lock(&kvm->mmu_lock);
	else
		write_lock(&kvm->mmu_lock);
	return sp;
}

static void split_slot(struct kvm *kvm, const struct kvm_memory_slot *slot, bool shared)
{
	struct kvm_mmu_page *root, *sp;
	struct tdp_iter iter;
	int r = 0;

	__for_each_tdp_mmu_root_yield_safe(kvm, root, slot->as_id, KVM_DIRECT_ROOTS) {
		sp = refill(kvm, shared);
		if (!sp) {
			kvm_tdp_mmu_put_root(kvm, root);
			break;
		}
		rcu_read_lock();
		tdp_iter_start(&iter, root, PG_LEVEL_2M, slot->base_gfn);
		if (is_large_pte(iter.old_spte))
			r = split_leaf(kvm, &iter, sp, shared);
		rcu_read_unlock();
		if (r)
			tdp_mmu_free_unused_sp(sp);
	}
}

void slot_eager_split(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	read_lock(&kvm->mmu_lock);
	split_slot(kvm, slot, true);
	read_unlock(&kvm->mmu_lock);
}
