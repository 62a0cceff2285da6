// litmus: the vCPU comes out of a helper
// path: arch/x86/kvm/vmx/tdx.c
static struct kvm_vcpu *this_vcpu(void)
{
	return kvm_get_running_vcpu();
}

int this_id(void)
{
	struct kvm_vcpu *vcpu = this_vcpu();

	return vcpu->vcpu_id;	// expect: tdx-running-vcpu-null
}
