// litmus: what has the name of a lookup fills the fault in, snapshot included, and looks up by another function
// path: arch/x86/kvm/mmu/mmu.c
static int kvm_faultin_pfn(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	fault->mmu_seq = vcpu->kvm->mmu_invalidate_seq;
	smp_rmb();
	if (kvm_gmem_get_pfn(vcpu->kvm, fault->slot, fault->gfn, &fault->pfn, NULL))
		return -EFAULT;
	return RET_PF_CONTINUE;
}

int page_fault(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	int r = kvm_faultin_pfn(vcpu, fault);

	if (r != RET_PF_CONTINUE)
		return r;
	r = RET_PF_RETRY;
	read_lock(&vcpu->kvm->mmu_lock);
	if (!mmu_invalidate_retry_gfn(vcpu->kvm, fault->mmu_seq, fault->gfn))
		r = kvm_tdp_mmu_map(vcpu, fault);
	read_unlock(&vcpu->kvm->mmu_lock);
	return r;
}
