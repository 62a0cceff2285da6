// One of two hooks always succeeds, the other one counts: behind its answer -EIO is returned, and tried again.
// path: arch/x86/kvm/vmx/tdx.c
static int vmx_prepare(struct kvm *kvm)
{
	return 0;
}

static int tdx_prepare(struct kvm *kvm)
{
	return kvm->arch.pending;
}

static struct kvm_x86_ops vmx_ops = {
	.prepare = vmx_prepare,
};

static struct kvm_x86_ops tdx_ops = {
	.prepare = tdx_prepare,
};

static int tdx_take(struct kvm *kvm, gfn_t gfn)
{
	int r = kvm_x86_call(prepare)(kvm);

	if (r)
		return -EIO;

	return kvm->busy ? -EBUSY : 0;
}

int tdx_take_all(struct kvm *kvm, gfn_t gfn)
{
	int r;

	do {
		cond_resched();
		r = tdx_take(kvm, gfn); // expect: kvm-retry-on-permanent-error "-EIO"
	} while (r);

	return 0;
}
