// litmus: the helper checks
// path: arch/x86/kvm/vmx/tdx.c
static void relay(struct kvm_vcpu *vcpu)
{
	if (!vcpu)
		return;
	vcpu->arch.pamt++;
}

void pamt_topup(void)
{
	struct kvm_vcpu *vcpu = kvm_get_running_vcpu();
	relay(vcpu);
}
