// litmus: a helper uses it and nobody checks
// path: arch/x86/kvm/vmx/tdx.c
static void relay(struct kvm_vcpu *vcpu)
{
	vcpu->arch.pamt++;
}

void pamt_topup(void)
{
	struct kvm_vcpu *vcpu = kvm_get_running_vcpu();
	relay(vcpu);	// expect: tdx-running-vcpu-null
}
