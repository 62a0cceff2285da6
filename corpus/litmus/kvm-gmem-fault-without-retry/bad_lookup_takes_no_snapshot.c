// litmus: what has the name of a lookup looks up by another function, and nothing takes the snapshot
// path: arch/x86/kvm/mmu/mmu.c
static int kvm_faultin_pfn(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	if (kvm_gmem_get_pfn(vcpu->kvm, fault->slot, fault->gfn, &fault->pfn, NULL))  // expect: kvm-gmem-fault-without-retry "no snapshot"
		return -EFAULT;
	return RET_PF_CONTINUE;
}

int page_fault(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	int r = kvm_faultin_pfn(vcpu, fault);

	if (r != RET_PF_CONTINUE)
		return r;
	read_lock(&vcpu->kvm->mmu_lock);
	r = kvm_tdp_mmu_map(vcpu, fault);
	read_unlock(&vcpu->kvm->mmu_lock);
	return r;
}
