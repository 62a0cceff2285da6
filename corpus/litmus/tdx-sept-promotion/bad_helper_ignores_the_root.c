// litmus: the helper is called for a mirror root and looks at something else
// path: arch/x86/kvm/vmx/tdx.c
int tdx_gmem_max_mapping_level(struct kvm *kvm, kvm_pfn_t pfn, bool is_private)
{
	if (!is_private)
		return 0;
	return PG_LEVEL_2M;
}
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int put_spte(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	return try_cmpxchg64(rcu_dereference_protected(iter->sptep, 1), &iter->old_spte, new_spte) ? 0 : -EBUSY;
}

static void adjust(struct kvm_page_fault *fault, u64 spte, int level, bool mirror)
{
	if (level > PG_LEVEL_4K && level == fault->goal_level && is_shadow_present_pte(spte) && !is_large_pte(spte) &&
	    (spte_to_child_sp(spte)->nx_huge_page_disallowed)) {
		fault->pfn |= fault->gfn & (KVM_PAGES_PER_HPAGE(level) - KVM_PAGES_PER_HPAGE(level - 1));
		fault->goal_level--;
	}
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
		if (is_mirror_sp(root) || fault->nx_huge_page_workaround_enabled)
			adjust(fault, iter.old_spte, iter.level, is_mirror_sp(root));
		if (iter.level == fault->goal_level)
			return target(vcpu, fault, &iter);	// expect: tdx-sept-promotion
	}
	return -EAGAIN;
}
