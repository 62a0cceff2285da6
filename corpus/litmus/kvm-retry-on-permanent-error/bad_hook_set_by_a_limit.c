// A helper of two constants: one of its answers leads to -EIO, which the loop tries again.
// path: arch/x86/kvm/vmx/tdx.c
static int tdx_is_full(struct kvm *kvm)
{
	if (kvm->arch.used == kvm->arch.limit)
		return 1;
	return 0;
}

static int tdx_take(struct kvm *kvm, gfn_t gfn)
{
	if (tdx_is_full(kvm))
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
