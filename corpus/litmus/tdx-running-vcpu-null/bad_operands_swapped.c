// litmus: the short circuit is the wrong way round
// path: arch/x86/kvm/vmx/tdx.c
void pamt_topup(void)
{
	struct kvm_vcpu *vcpu = kvm_get_running_vcpu();
	if (vcpu->kvm->dead || !vcpu)	// expect: tdx-running-vcpu-null
		return;
	count(vcpu);
}
