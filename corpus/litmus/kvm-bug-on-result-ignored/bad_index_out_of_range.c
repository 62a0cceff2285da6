// path: arch/x86/kvm/vmx/vmx.c
void vmx_put(struct kvm_vcpu *vcpu, struct table *t, int i, u64 value)
{
	KVM_BUG_ON(i >= MAX_ENTRIES, vcpu->kvm);
	t->entry[i] = value;  // expect: kvm-bug-on-result-ignored "i is out of range"
}
