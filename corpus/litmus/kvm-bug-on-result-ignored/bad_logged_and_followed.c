// The result is tested, but the branch only logs.
// path: arch/x86/kvm/x86.c
int x86_take(struct kvm_vcpu *vcpu, struct state *state)
{
	if (KVM_BUG_ON(!state, vcpu->kvm))
		pr_warn_once("no state\n");
	return state->value;  // expect: kvm-bug-on-result-ignored "state is NULL"
}
