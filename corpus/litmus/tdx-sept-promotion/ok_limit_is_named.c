// litmus: private memory is never huge: the limit is a macro, a constant, what a helper gives, the smaller of two
// path: arch/x86/kvm/vmx/tdx.c
#define TD_MAX_LEVEL	(TD_BASE_LEVEL)
#define TD_BASE_LEVEL	PG_LEVEL_4K
static const enum pg_level td_shared_limit = PG_LEVEL_4K;

static int td_limit(struct kvm *kvm, kvm_pfn_t pfn)
{
	if (pfn & 1)
		return td_shared_limit;
	return min(TD_MAX_LEVEL, td_level_of(pfn));
}

int tdx_gmem_max_mapping_level(struct kvm *kvm, kvm_pfn_t pfn, bool is_private)
{
	u8 level = TD_MAX_LEVEL;

	if (!is_private)
		return 0;
	if (pfn & 2)
		level = td_limit(kvm, pfn);
	return level;
}
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int put_spte(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	return try_cmpxchg64(rcu_dereference_protected(iter->sptep, 1), &iter->old_spte, new_spte) ? 0 : -EBUSY;
}

static int target(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault, struct tdp_iter *iter)
{
	struct kvm_mmu_page *sp = sptep_to_sp(rcu_dereference_protected(iter->sptep, 1));
	u64 spte;

	make_spte(vcpu, sp, fault->slot, 0, iter->gfn, fault->pfn, iter->old_spte, false, false, true, &spte);
	return put_spte(vcpu->kvm, iter, spte);
}

int map_fault(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	struct kvm_mmu_page *root = tdp_mmu_get_root_for_fault(vcpu, fault);
	struct tdp_iter iter;

	for_each_tdp_pte(iter, vcpu->kvm, root, fault->gfn, fault->gfn + 1) {
		if (iter.level == fault->goal_level)
			return target(vcpu, fault, &iter);
	}
	return -EAGAIN;
}
