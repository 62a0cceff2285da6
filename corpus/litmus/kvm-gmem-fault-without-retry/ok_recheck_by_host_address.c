// litmus: the recheck under mmu_lock asks by host address
// path: arch/x86/kvm/mmu/mmu.c
int page_fault(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	unsigned long mmu_seq = vcpu->kvm->mmu_invalidate_seq;
	int r = RET_PF_RETRY;

	smp_rmb();
	fault->pfn = __kvm_faultin_pfn(fault->slot, fault->gfn, 0, NULL, &fault->refcounted_page);
	read_lock(&vcpu->kvm->mmu_lock);
	if (!mmu_invalidate_retry_hva(vcpu->kvm, mmu_seq, fault->hva))
		r = kvm_tdp_mmu_map(vcpu, fault);
	read_unlock(&vcpu->kvm->mmu_lock);
	return r;
}
