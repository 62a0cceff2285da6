static int check(struct vcpu *vcpu, u64 gpa)
{
	if (WARN_ON_ONCE(!vcpu) || (valid(gpa) && !aligned(gpa, vcpu->level)))
		return -EINVAL;

	if (!(a(vcpu) && WARN_ON(b(vcpu))))
		c(vcpu);

	WARN_ON(d(vcpu) || vcpu->dead);

	return vcpu->ready && e(vcpu);
}

static void fatal(struct vcpu *vcpu)
{
	bool bad = BUG_ON_IT(vcpu);

	BUG_ON(bad);
	if (KVM_BUG_ON(bad, vcpu->kvm) && bad)
		f(vcpu);
}
