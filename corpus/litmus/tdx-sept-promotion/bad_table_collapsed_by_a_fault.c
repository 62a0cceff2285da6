// litmus: the fault that fills a table of a mirror root makes one leaf of it; the module is asked to merge
// path: arch/x86/kvm/vmx/tdx.c
static int td_merge(struct kvm *kvm, gfn_t gfn, enum pg_level level)
{
	u64 entry, state;

	return tdh_mem_page_promote(&to_kvm_tdx(kvm)->td, gfn_to_gpa(gfn), level, &entry, &state) ? -EIO : 0;	// expect: tdx-sept-promotion
}
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int put_spte(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	return try_cmpxchg64(rcu_dereference_protected(iter->sptep, 1), &iter->old_spte, new_spte) ? 0 : -EBUSY;
}

static int collapse_full_table(struct kvm *kvm, struct tdp_iter *above, struct kvm_mmu_page *sp)
{
	u64 huge = make_huge_spte(kvm, sp->spt[0], above->level);

	return put_spte(kvm, above, huge);	// expect: tdx-sept-promotion
}

int filled(struct kvm *kvm, struct tdp_iter *above, struct kvm_mmu_page *sp)
{
	bool private = is_mirror_sp(sp) && table_is_full(sp);

	if (private)
		return collapse_full_table(kvm, above, sp);
	return 0;
}
