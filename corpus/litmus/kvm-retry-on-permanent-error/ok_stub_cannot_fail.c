// A hook that always succeeds is asked; what stands behind its failure is never returned.
// path: arch/x86/kvm/vmx/tdx.c
static int tdx_prepare(struct kvm *kvm)
{
	return 0;
}

static int tdx_prepare_level(struct kvm *kvm, int level)
{
	return tdx_prepare(kvm);
}

static int tdx_take(struct kvm *kvm, gfn_t gfn)
{
	int r;

	r = tdx_prepare_level(kvm, 1);
	if (r)
		return -EIO;

	if (tdx_prepare(kvm))
		return -EINVAL;

	return kvm->busy ? -EBUSY : 0;
}

int tdx_take_all(struct kvm *kvm, gfn_t gfn)
{
	int r;

	do {
		cond_resched();
		r = tdx_take(kvm, gfn);
	} while (r);

	return 0;
}
