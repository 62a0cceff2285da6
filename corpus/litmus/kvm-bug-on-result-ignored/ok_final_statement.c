// Nothing depends on it any more.
// path: arch/x86/kvm/x86.c
void x86_leave(struct kvm_vcpu *vcpu, struct state *state)
{
	vcpu->arch.done = true;
	KVM_BUG_ON(!state, vcpu->kvm);
}
