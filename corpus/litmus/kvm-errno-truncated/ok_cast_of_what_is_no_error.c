// What is cast is a number that is no error, the error has been handed on before, or a cast keeps all of it.
// path: arch/x86/kvm/vmx/tdx.c
static int tdx_read_id(struct kvm_vcpu *vcpu)
{
	if (!vcpu->arch.ready)
		return -EINVAL;
	return vcpu->arch.id;
}

int tdx_take_id(struct kvm_vcpu *vcpu)
{
	int id = tdx_read_id(vcpu);

	if (id < 0)
		return id;

	return (u16)id;
}

int tdx_take_wide(struct kvm_vcpu *vcpu)
{
	return (long)tdx_read_id(vcpu);
}

int tdx_log_id(struct kvm_vcpu *vcpu)
{
	int id = tdx_read_id(vcpu);

	trace_kvm_tdx_id(vcpu, (u8)id);
	return id;
}
