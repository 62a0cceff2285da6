// litmus: the whole file goes
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
		.attr_filter = KVM_FILTER_PRIVATE,
	};

	if (kvm_mmu_unmap_gfn_range(kvm, &range))
		kvm_flush_remote_tlbs(kvm);
}

void kvm_gmem_gone(struct kvm *kvm, struct kvm_memory_slot *slot)
{
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_start(kvm);
	kvm_gmem_drop(kvm, slot, 0, -1ul);
	kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
}
