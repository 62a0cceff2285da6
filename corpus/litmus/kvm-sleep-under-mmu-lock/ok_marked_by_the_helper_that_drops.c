// litmus: a helper drops the lock to allocate and marks the iterator; the caller that asks the mark goes on to the next
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

int split_root(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start, gfn_t end)
{
	struct kvm_mmu_page *sp = NULL;
	struct tdp_iter iter;

	rcu_read_lock();
	for_each_tdp_pte(iter, root, start, end) {
retry:
		if (!is_large_pte(iter.old_spte))
			continue;
		if (!sp) {
			sp = alloc_for_split(kvm, &iter);
			if (!sp)
				break;
			if (iter.yielded)
				continue;
		}
		if (link_page(kvm, &iter, sp))
			goto retry;
		sp = NULL;
	}
	rcu_read_unlock();
	return sp ? -ENOMEM : 0;
}
