// litmus: the minimum of the order of guest_memfd and the end of the slot
// path: arch/x86/kvm/mmu/mmu.c
static u8 slot_level(const struct kvm_memory_slot *slot, gfn_t gfn)
{
	gfn_t left = slot->base_gfn + slot->npages - gfn;

	return left >= KVM_PAGES_PER_HPAGE(PG_LEVEL_2M) ? PG_LEVEL_2M : PG_LEVEL_4K;
}

int faultin_private(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	int order, r;

	r = kvm_gmem_get_pfn(vcpu->kvm, fault->slot, fault->gfn, &fault->pfn, &fault->refcounted_page, &order);
	if (r)
		return r;

	fault->max_level = min(kvm_max_level_for_order(order), slot_level(fault->slot, fault->gfn));
	return RET_PF_CONTINUE;
}
