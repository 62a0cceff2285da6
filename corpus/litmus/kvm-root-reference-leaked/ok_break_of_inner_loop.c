// litmus: only the inner walk is left
// path: arch/x86/kvm/mmu/tdp_mmu.c
void mmu_visit_roots(struct kvm *kvm, gfn_t start, gfn_t end)
{
	struct kvm_mmu_page *root;
	struct tdp_iter iter;

	for_each_tdp_mmu_root_yield_safe(kvm, root) {
		rcu_read_lock();
		for_each_tdp_pte(iter, kvm, root, start, end) {
			if (iter.level > PG_LEVEL_2M)
				break;
		}
		rcu_read_unlock();
	}
}
