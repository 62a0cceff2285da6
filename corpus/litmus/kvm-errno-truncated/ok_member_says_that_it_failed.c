// The bool only says that something failed: whoever looks at it has an error of its own.
// path: arch/x86/kvm/vmx/tdx.c
struct tdx_report {
	u64 when;
	bool failed;
};

struct tdx_other {
	int failed;
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
	report->failed = ret;
}

static int tdx_others(struct tdx_other *other)
{
	return other->failed;
}

int tdx_init(struct kvm_vcpu *vcpu, struct tdx_other *other)
{
	struct tdx_report report;

	tdx_note(&report, tdx_init_one(vcpu));
	if (report.failed)
		return -EIO;
	return tdx_others(other);
}
