// litmus: a helper looks at the SPTE once the section is left
// path: arch/x86/kvm/mmu/tdp_mmu.c
static bool last_is_mirror(struct tdp_iter *iter)
{
	return is_mirror_sptep(iter->sptep);
}

bool walk_has_mirror(struct kvm *kvm, struct kvm_mmu_page *root)
{
	struct tdp_iter iter;
	bool found;

	rcu_read_lock();
	tdp_iter_start(&iter, root, PG_LEVEL_4K, 0, 0);
	rcu_read_unlock();
	found = last_is_mirror(&iter);	// expect: kvm-rcu-scope-left "after rcu_read_unlock()"
	return found;
}
