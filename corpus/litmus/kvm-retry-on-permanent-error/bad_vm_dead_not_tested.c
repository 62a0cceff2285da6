// The operation bugs the VM and says -EIO; the loop does not ask whether the VM is dead.
// path: arch/x86/kvm/vmx/tdx.c
static int tdx_set_entry(struct kvm *kvm, gfn_t gfn, u64 spte)
{
	if (KVM_BUG_ON(!spte, kvm))
		return -EIO;
	return 0;
}

static struct kvm_x86_ops ops = {
	.set_entry = tdx_set_entry,
};
// path: arch/x86/kvm/mmu/tdp_mmu.c
int tdp_map(struct kvm_vcpu *vcpu, gfn_t gfn, u64 spte)
{
	int r = kvm_x86_call(set_entry)(vcpu->kvm, gfn, spte);

	if (r)
		return RET_PF_RETRY;
	return RET_PF_FIXED;
}
// path: arch/x86/kvm/mmu/mmu.c
int kvm_map_pfn(struct kvm_vcpu *vcpu, gfn_t gfn, u64 spte)
{
	int r;

	do {
		if (signal_pending(current))
			return -EINTR;

		cond_resched();
		r = tdp_map(vcpu, gfn, spte);  // expect: kvm-retry-on-permanent-error "although the VM is dead"
	} while (r == RET_PF_RETRY);

	return r;
}
