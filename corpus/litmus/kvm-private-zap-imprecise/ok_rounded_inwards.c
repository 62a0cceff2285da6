// litmus: what is rounded stays within what was asked for, or was whole before; what is split may be rounded outwards
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

	KVM_MMU_LOCK(kvm);
	kvm_mmu_unmap_gfn_range(kvm, &range);
	KVM_MMU_UNLOCK(kvm);
}

long kvm_gmem_hole(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t start, gfn_t end)
{
	gfn_t first = round_up(start, PTRS_PER_PMD);
	gfn_t last = round_down(end, PTRS_PER_PMD);

	if (first < last)
		kvm_gmem_drop(kvm, slot, first, last);
	return 0;
}

long kvm_gmem_hole_of(struct kvm *kvm, struct kvm_memory_slot *slot, loff_t offset, loff_t len)
{
	gfn_t start = offset >> PAGE_SHIFT;
	gfn_t end = (offset + len) >> PAGE_SHIFT;

	if (!IS_ALIGNED(start | end, PTRS_PER_PMD))
		return -EINVAL;
	start = round_down(start, PTRS_PER_PMD);
	end = round_up(end, PTRS_PER_PMD);
	kvm_gmem_drop(kvm, slot, start, end);
	return 0;
}

long kvm_gmem_hole_by_huge(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t start, gfn_t end)
{
	gfn_t at, from, to;

	if (kvm_arch_gmem_split_private(kvm, slot, round_down(start, PTRS_PER_PMD), round_up(end, PTRS_PER_PMD)))
		return -ENOMEM;
	for (at = round_down(start, PTRS_PER_PMD); at < end; at += PTRS_PER_PMD) {
		from = max(at, start);
		to = min(at + PTRS_PER_PMD, end);
		kvm_gmem_drop(kvm, slot, from, to);
	}
	return 0;
}
