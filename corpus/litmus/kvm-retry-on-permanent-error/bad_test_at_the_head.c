// The loop asks at its head: for a flag that says that it failed, for the error itself.
// path: arch/x86/kvm/vmx/tdx.c
static int tdx_take_flagged(struct kvm *kvm)
{
	return kvm->ready ? 0 : -EINVAL;
}

static int tdx_take_started(struct kvm *kvm)
{
	return kvm->ready ? 0 : -EIO;
}

static int tdx_take_stepped(struct kvm *kvm)
{
	return kvm->ready ? 0 : -EPERM;
}

int tdx_flagged(struct kvm *kvm)
{
	bool again = true;
	int r;

	while (again) {
		r = tdx_take_flagged(kvm); // expect: kvm-retry-on-permanent-error "-EINVAL"
		again = r != 0;
	}
	return r;
}

int tdx_started(struct kvm *kvm)
{
	int r = -EAGAIN;

	while (r) {
		cond_resched();
		r = tdx_take_started(kvm); // expect: kvm-retry-on-permanent-error "-EIO"
	}
	return r;
}

int tdx_stepped(struct kvm *kvm)
{
	int r;

	for (r = -EBUSY; r < 0; r = tdx_take_stepped(kvm)) // expect: kvm-retry-on-permanent-error "-EPERM"
		cpu_relax();
	return r;
}
