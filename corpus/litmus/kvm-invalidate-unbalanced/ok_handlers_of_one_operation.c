// litmus: two handlers of one operation share an invalidation
// path: virt/kvm/kvm_main.c
static void guest_range_start(struct kvm *kvm, gfn_t start, gfn_t end)
{
	KVM_MMU_LOCK(kvm);
	kvm_mmu_invalidate_start(kvm);
	kvm_mmu_invalidate_range_add(kvm, start, end);
	KVM_MMU_UNLOCK(kvm);
}

static void guest_range_end(struct kvm *kvm, gfn_t start, gfn_t end)
{
	KVM_MMU_LOCK(kvm);
	kvm_mmu_invalidate_end(kvm);
	KVM_MMU_UNLOCK(kvm);
}

static const struct guest_ops guest_ops = {
	.range_start = guest_range_start,
	.range_end = guest_range_end,
};
