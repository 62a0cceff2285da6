// path: arch/x86/kvm/vmx/vmx.c
void vmx_put(struct kvm_vcpu *vcpu, struct table *t, int i, u64 value)
{
	if (KVM_BUG_ON(i >= MAX_ENTRIES, vcpu->kvm))
		i = 0;
	t->entry[i] = value;
}
