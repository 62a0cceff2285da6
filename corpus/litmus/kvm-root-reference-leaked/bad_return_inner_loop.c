// litmus: a return out of an inner walk of SPTEs
// path: arch/x86/kvm/mmu/tdp_mmu.c
int mmu_visit_roots(struct kvm *kvm, gfn_t start, gfn_t end)
{
	struct kvm_mmu_page *root;
	struct tdp_iter iter;

	for_each_tdp_mmu_root_yield_safe(kvm, root) {
		rcu_read_lock();
		for_each_tdp_pte(iter, kvm, root, start, end) {
			if (iter.level > PG_LEVEL_2M) {
				rcu_read_unlock();
				return -EINVAL;	// expect: kvm-root-reference-leaked
			}
		}
		rcu_read_unlock();
	}
	return 0;
}
