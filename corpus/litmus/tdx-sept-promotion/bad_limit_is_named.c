// litmus: a named limit and a helper let private memory be huge, and a fault installs what it aims at
// path: arch/x86/kvm/vmx/tdx.c
#define TD_MAX_LEVEL	PG_LEVEL_2M

static int td_limit(kvm_pfn_t pfn)
{
	return min(TD_MAX_LEVEL, td_level_of(pfn));
}

int tdx_gmem_max_mapping_level(struct kvm *kvm, kvm_pfn_t pfn, bool is_private)
{
	if (!is_private)
		return 0;
	return td_limit(pfn);
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
			return target(vcpu, fault, &iter);	// expect: tdx-sept-promotion
	}
	return -EAGAIN;
}
