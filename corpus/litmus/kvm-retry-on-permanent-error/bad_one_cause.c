// path: arch/x86/kvm/vmx/tdx.c
// One error reaches two loops: it is told at the nearer one.
static int tdx_lay(struct kvm *kvm)
{
	if (!kvm->ready)
		return -EINVAL;
	return kvm->busy ? -EBUSY : 0;
}

static int tdx_lay_all(struct kvm *kvm)
{
	int r;

	do {
		cond_resched();
		r = tdx_lay(kvm); // expect: kvm-retry-on-permanent-error "and at 1 more place"
	} while (r);

	return 0;
}

static int tdx_lay_first(struct kvm *kvm)
{
	return tdx_lay(kvm);
}

static int tdx_lay_later(struct kvm *kvm)
{
	int r;

again:
	r = tdx_lay_first(kvm);
	if (r < 0)
		goto again;

	return 0;
}
