// litmus: the walk goes on with an iterator that was not marked
// path: arch/x86/kvm/mmu/tdp_mmu.c
int split_range(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start, gfn_t end, bool shared)
{
	struct kvm_mmu_page *sp = NULL;
	struct tdp_iter iter;

	rcu_read_lock();
	for_each_tdp_pte(iter, kvm, root, start, end) {	// expect: kvm-sleep-under-mmu-lock
		if (!is_large_pte(iter.old_spte))
			continue;
		if (!sp) {
			rcu_read_unlock();
			if (shared)
				read_unlock(&kvm->mmu_lock);
			else
				write_unlock(&kvm->mmu_lock);
			sp = kzalloc(sizeof(*sp), GFP_KERNEL_ACCOUNT);
			if (shared)
				read_lock(&kvm->mmu_lock);
			else
				write_lock(&kvm->mmu_lock);
			if (!sp)
				return -ENOMEM;
			rcu_read_lock();
			continue;
		}
		link_page(kvm, &iter, sp);
		sp = NULL;
	}
	rcu_read_unlock();
	return 0;
}
