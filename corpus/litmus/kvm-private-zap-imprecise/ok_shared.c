// litmus: shared memory is faulted in again
// path: arch/x86/kvm/vmx/tdx.c
int tdx_gmem_max_mapping_level(struct kvm *kvm, kvm_pfn_t pfn, bool is_private)
{
	return is_private ? PG_LEVEL_2M : 0;
}
// path: virt/kvm/guest_memfd.c
static void kvm_gmem_drop(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t start, gfn_t end)
{
	struct kvm_gfn_range range = {
		.slot = slot,
		.start = start,
		.end = end,
		.attr_filter = KVM_FILTER_SHARED,
	};

	if (kvm_mmu_unmap_gfn_range(kvm, &range))
		kvm_flush_remote_tlbs(kvm);
}

void kvm_gmem_all_gone(struct kvm *kvm, struct kvm_memory_slot *slot)
{
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_start(kvm);
	kvm_gmem_drop(kvm, slot, 0, -1ul);
	kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
}

long kvm_gmem_hole(struct kvm *kvm, struct kvm_memory_slot *slot, loff_t offset, loff_t len)
{
	gfn_t start = offset >> PAGE_SHIFT;
	gfn_t end = (offset + len) >> PAGE_SHIFT;
	int r = 0;

	if (!PAGE_ALIGNED(offset) || !PAGE_ALIGNED(len))
		return -EINVAL;
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_start(kvm);
	kvm_gmem_drop(kvm, slot, start, end);
	kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
	return r;
}
