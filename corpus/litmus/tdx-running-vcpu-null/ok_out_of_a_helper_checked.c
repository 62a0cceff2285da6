// litmus: and is checked with a warning
// path: arch/x86/kvm/vmx/tdx.c
static struct kvm_vcpu *this_vcpu(void)
{
	return kvm_get_running_vcpu();
}

int this_id(void)
{
	struct kvm_vcpu *vcpu = this_vcpu();

	if (WARN_ON_ONCE(!vcpu))
		return -EIO;
	return vcpu->vcpu_id;
}
