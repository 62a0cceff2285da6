// A helper keeps the errno in a bool of a report; the caller hands that on as its own error.
// path: arch/x86/kvm/vmx/tdx.c
struct tdx_report {
	u64 when;
	bool failed;
};

static int tdx_init_one(struct kvm_vcpu *vcpu)
{
	if (!vcpu->arch.ready)
		return -EINVAL;
	return 0;
}

static void tdx_note(struct tdx_report *report, int ret)
{
	report->when = 1;
	report->failed = ret; // expect: kvm-errno-truncated "-EINVAL is kept in report->failed"
}

static int tdx_noted(struct tdx_report *report)
{
	return report->failed;
}

int tdx_init(struct kvm_vcpu *vcpu)
{
	struct tdx_report report;

	tdx_note(&report, tdx_init_one(vcpu));
	return tdx_noted(&report);
}
