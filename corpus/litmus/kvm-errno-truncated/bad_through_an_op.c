// An op of a table answers with a bool; the caller that returns errors hands it on.
// path: arch/x86/kvm/mmu/mmu.c
static int tdp_fill(struct kvm *kvm)
{
	return kvm->empty ? -ENOMEM : 0;
}

static bool vt_convert(struct kvm *kvm)
{
	return tdp_fill(kvm); // expect: kvm-errno-truncated "bool vt_convert()"
}

static struct kvm_x86_ops vt_ops = {
	.convert = vt_convert,
};

int kvm_convert(struct kvm *kvm)
{
	int r = kvm_x86_call(convert)(kvm);

	if (!kvm->ready)
		return -EINVAL;
	return r;
}
