// The same places take a yes or no that is asked for, or the errno has a place of its own beside them.
// path: arch/x86/kvm/mmu/mmu.c
struct tdp_report {
	bool failed;
	int error;
};

static int tdp_fill(struct kvm *kvm)
{
	return kvm->empty ? -ENOMEM : 0;
}

static bool tdp_is_full(struct kvm *kvm)
{
	return kvm->full;
}

int tdp_initialised(struct kvm *kvm)
{
	struct tdp_report report = {
		.failed = tdp_is_full(kvm),
		.error = tdp_fill(kvm),
	};

	return report.error;
}

int tdp_written_once(struct kvm *kvm, struct tdp_report *report)
{
	int r = tdp_fill(kvm);

	WRITE_ONCE(report->failed, tdp_is_full(kvm));
	WRITE_ONCE(report->error, r);
	return r;
}

int tdp_element(struct kvm *kvm)
{
	int results[4];
	u8 full[4];

	full[0] = tdp_is_full(kvm);
	results[0] = tdp_fill(kvm);
	return results[0] && full[0] ? -EIO : results[0];
}

static bool vt_convert(struct kvm *kvm)
{
	return tdp_is_full(kvm);
}

static struct kvm_x86_ops vt_ops = {
	.convert = vt_convert,
};

int kvm_convert(struct kvm *kvm)
{
	int r = tdp_fill(kvm);

	if (r)
		return r;
	return kvm_x86_call(convert)(kvm) ? -EBUSY : 0;
}
