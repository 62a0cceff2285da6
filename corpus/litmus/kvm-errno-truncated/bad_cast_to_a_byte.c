// A cast keeps the low bits of the errno, which are no error to the caller.
// path: arch/x86/kvm/vmx/tdx.c
static int tdx_init_one(struct kvm_vcpu *vcpu)
{
	if (!vcpu->arch.ready)
		return -EINVAL;
	return 0;
}

int tdx_init(struct kvm_vcpu *vcpu)
{
	int ret;

	ret = (u8)tdx_init_one(vcpu); // expect: kvm-errno-truncated "a cast to u8"
	if (ret)
		return ret;

	return 0;
}

int tdx_init_again(struct kvm_vcpu *vcpu)
{
	int ret = tdx_init_one(vcpu);

	return (bool)ret; // expect: kvm-errno-truncated "a cast to bool"
}
