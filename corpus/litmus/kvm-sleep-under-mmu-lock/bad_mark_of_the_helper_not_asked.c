// litmus: a helper drops the lock and marks the iterator; the caller goes on with the old SPTE whatever the mark says
// path: arch/x86/kvm/mmu/tdp_mmu.c
static struct kvm_mmu_page *alloc_for_split(struct kvm *kvm, struct tdp_iter *iter)
{
	struct kvm_mmu_page *sp = kmem_cache_alloc(headers, GFP_NOWAIT);

	if (sp)
		return sp;
	rcu_read_unlock();
	write_unlock(&kvm->mmu_lock);
	iter->yielded = true;
	sp = kmem_cache_alloc(headers, GFP_KERNEL_ACCOUNT);
	write_lock(&kvm->mmu_lock);
	rcu_read_lock();
	return sp;
}

void split_root(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start, gfn_t end)
{
	struct kvm_mmu_page *sp;
	struct tdp_iter iter;

	rcu_read_lock();
	for_each_tdp_pte(iter, root, start, end) {
		if (!is_large_pte(iter.old_spte))
			continue;
		sp = alloc_for_split(kvm, &iter);
		if (!sp)
			break;
		fill_page(sp, iter.old_spte);	// expect: kvm-sleep-under-mmu-lock "used after the lock was dropped"
		link_page(kvm, &iter, sp);
	}
	rcu_read_unlock();
}
