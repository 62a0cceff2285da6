// litmus: huge pages are recovered under direct roots
// path: arch/x86/kvm/vmx/tdx.c
int tdx_gmem_max_mapping_level(struct kvm *kvm, kvm_pfn_t pfn, bool is_private)
{
	if (!is_private)
		return 0;
	return KVM_MAX_HUGEPAGE_LEVEL;
}
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int put_spte(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	return try_cmpxchg64(rcu_dereference_protected(iter->sptep, 1), &iter->old_spte, new_spte) ? 0 : -EBUSY;
}

static int merge(struct kvm *kvm, struct tdp_iter *parent, u64 *spte)
{
	*spte = make_huge_spte(kvm, parent->old_spte, parent->level);
	return 0;
}

static void recover_root(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start, gfn_t end)
{
	struct tdp_iter iter;
	u64 spte;

	for_each_tdp_pte_min_level(iter, kvm, root, PG_LEVEL_2M, start, end) {
		if (!is_shadow_present_pte(iter.old_spte) || is_last_spte(iter.old_spte, iter.level))
			continue;
		if (!merge(kvm, &iter, &spte))
			put_spte(kvm, &iter, spte);
	}
}

void recover(struct kvm *kvm, const struct kvm_memory_slot *slot, gfn_t start, gfn_t end)
{
	struct kvm_mmu_page *root;

	__for_each_tdp_mmu_root_yield_safe(kvm, root, slot->as_id, KVM_DIRECT_ROOTS)
		recover_root(kvm, root, start, end);
}
