// litmus: a helper of a helper drops the lock to allocate, before the range is added
// path: arch/x86/kvm/mmu/mmu.c
static int topup_unlocked(struct kvm *kvm)
{
	int ret;

	write_unlock(&kvm->mmu_lock);
	ret = kvm_mmu_topup_memory_cache(&kvm->arch.split_desc_cache, 1);
	write_lock(&kvm->mmu_lock);
	return ret;
}

static int split_edges(struct kvm *kvm, gfn_t start, gfn_t end)
{
	return start == end ? 0 : topup_unlocked(kvm);
}

void zap_guest(struct kvm *kvm, gfn_t start, gfn_t end)
{
	bool flush;

	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_start(kvm);
	split_edges(kvm, start, end);	// expect: kvm-invalidate-unbalanced
	kvm_mmu_invalidate_range_add(kvm, start, end);

	flush = zap_leafs(kvm, start, end);
	if (flush)
		kvm_flush_remote_tlbs_range(kvm, start, end - start);

	kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
}
