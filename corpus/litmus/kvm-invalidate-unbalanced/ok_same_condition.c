// litmus: begun and ended under the same condition
// path: arch/x86/kvm/mmu/mmu.c
void zap_guest(struct kvm *kvm, gfn_t start, gfn_t end, bool tracked)
{
	write_lock(&kvm->mmu_lock);
	if (tracked) {
		kvm_mmu_invalidate_start(kvm);
		kvm_mmu_invalidate_range_add(kvm, start, end);
	}
	zap_leafs(kvm, start, end);
	if (tracked)
		kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
}
