// litmus: a hole takes the huge mappings along that it touches; so does what drops a page that was not accepted
// path: arch/x86/kvm/vmx/tdx.c
int tdx_gmem_max_mapping_level(struct kvm *kvm, kvm_pfn_t pfn, bool is_private)
{
	return is_private ? PG_LEVEL_2M : 0;
}

static void drop_around(struct kvm *kvm, gfn_t gfn)
{
	gfn_t first = gfn & ~(KVM_PAGES_PER_HPAGE(PG_LEVEL_2M) - 1);

	kvm_zap_gfn_range(kvm, first, first + KVM_PAGES_PER_HPAGE(PG_LEVEL_2M));	// expect: kvm-private-zap-imprecise
}

int td_not_accepted(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	drop_around(vcpu->kvm, gpa_to_gfn(gpa));
	return 1;
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

long kvm_gmem_hole(struct kvm *kvm, struct kvm_memory_slot *slot, loff_t offset, loff_t len)
{
	gfn_t start = offset >> PAGE_SHIFT;
	gfn_t end = (offset + len) >> PAGE_SHIFT;

	end = min(round_up(end, PTRS_PER_PMD), slot->base_gfn + slot->npages);
	kvm_gmem_drop(kvm, slot, start, end);	// expect: kvm-private-zap-imprecise
	return 0;
}
