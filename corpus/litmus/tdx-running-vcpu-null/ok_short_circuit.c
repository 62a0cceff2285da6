// litmus: the check comes first
// path: arch/x86/kvm/vmx/tdx.c
void pamt_topup(void)
{
	struct kvm_vcpu *vcpu = kvm_get_running_vcpu();
	if (!vcpu || vcpu->kvm->dead)
		return;
	count(vcpu->kvm);
}
