// litmus: the lock is dropped to allocate before it begins
// path: arch/x86/kvm/mmu/mmu.c
void zap_guest(struct kvm *kvm, gfn_t start, gfn_t end)
{
	bool flush;

	write_lock(&kvm->mmu_lock);
	write_unlock(&kvm->mmu_lock);
	prepare_caches(kvm);
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_start(kvm);
	kvm_mmu_invalidate_range_add(kvm, start, end);

	flush = zap_leafs(kvm, start, end);
	if (flush)
		kvm_flush_remote_tlbs_range(kvm, start, end - start);

	kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
}
