// litmus: mmu_lock is taken to begin an invalidation
// path: virt/kvm/guest_memfd.c
static void kvm_gmem_begin(struct kvm *kvm, gfn_t start)
{
	guard(write_lock)(&kvm->mmu_lock);
	kvm_mmu_invalidate_start(kvm);
	kvm_mmu_invalidate_range_add(kvm, start, start + 1);
	kvm_gmem_visit(kvm, start);
	kvm_mmu_invalidate_end(kvm);
}
