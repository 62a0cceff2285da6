// path: arch/x86/kvm/vmx/tdx.c
// Behind a wrapper whose result is any number, zero among them.
u64 tdh_one(struct tdx_td *td)
{
	u64 ret;

	ret = seamcall_of(td);
	return ret;
}

static int tdx_one(struct kvm *kvm)
{
	u64 err = tdh_one(kvm->td);

	if (err)
		return -EAGAIN;
	if (!kvm->ready)
		return -EINVAL;
	return 0;
}

static int tdx_each(struct kvm *kvm)
{
	int r;

again:
	r = tdx_one(kvm); // expect: kvm-retry-on-permanent-error
	switch (r) {
	case -EAGAIN:
	case -EINVAL:
		goto again;
	default:
		return r;
	}
}
