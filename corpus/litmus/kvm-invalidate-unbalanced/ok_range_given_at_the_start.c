// litmus: the start of an invalidation is told its range
// path: arch/x86/kvm/mmu/mmu.c
void zap_range(struct kvm *kvm, gfn_t start, gfn_t end)
{
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm, start, end);
	if (zap(kvm, start, end))
		cond_resched_rwlock_write(&kvm->mmu_lock);
	kvm_mmu_invalidate_end(kvm, start, end);
	write_unlock(&kvm->mmu_lock);
}
