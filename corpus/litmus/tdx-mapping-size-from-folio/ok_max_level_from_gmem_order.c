// litmus: the level of a fault is taken from the order that guest_memfd returned
// path: arch/x86/kvm/mmu/mmu.c
int faultin_private(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	int order, r;

	r = kvm_gmem_get_pfn(vcpu->kvm, fault->slot, fault->gfn, &fault->pfn, &fault->refcounted_page, &order);
	if (r)
		return r;

	fault->max_level = kvm_max_level_for_order(order);
	return RET_PF_CONTINUE;
}

int faultin_or_exit(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	return fault->is_private ? faultin_private(vcpu, fault) : -EFAULT;
}
