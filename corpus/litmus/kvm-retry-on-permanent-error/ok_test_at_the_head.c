// The loop asks at its head for the one error that passes, for none, or for tries that are left.
// path: arch/x86/kvm/vmx/tdx.c
static int tdx_take(struct kvm *kvm)
{
	if (!kvm->ready)
		return -EINVAL;
	return kvm->busy ? -EBUSY : 0;
}

int tdx_busy(struct kvm *kvm)
{
	int r = -EBUSY;

	while (r == -EBUSY) {
		cond_resched();
		r = tdx_take(kvm);
	}
	return r;
}

int tdx_flagged(struct kvm *kvm)
{
	bool again = true;
	int r;

	while (again) {
		r = tdx_take(kvm);
		again = r == -EBUSY;
	}
	return r;
}

int tdx_none(struct kvm *kvm, int n)
{
	int i = 0, r = 0;

	while (i < n && !r) {
		r = tdx_take(kvm);
		i++;
	}
	return r;
}

int tdx_tries(struct kvm *kvm)
{
	int r = -EBUSY, tries = 3;

	while (r && tries--) {
		cond_resched();
		r = tdx_take(kvm);
	}
	return r;
}
