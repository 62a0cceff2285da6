// Places that cannot hold an errno: a member that is initialised or written once, an element, a static variable.
// path: arch/x86/kvm/mmu/mmu.c
struct tdp_report {
	u64 when;
	bool failed;
};

static int tdp_fill(struct kvm *kvm)
{
	return kvm->empty ? -ENOMEM : 0;
}

int tdp_initialised(struct kvm *kvm)
{
	struct tdp_report report = { // expect: kvm-errno-truncated "-ENOMEM"
		.when = 1,
		.failed = tdp_fill(kvm),
	};

	return report.failed;
}

int tdp_written_once(struct kvm *kvm, struct tdp_report *report)
{
	WRITE_ONCE(report->failed, tdp_fill(kvm)); // expect: kvm-errno-truncated "is kept in report->failed"
	return report->failed;
}

int tdp_element(struct kvm *kvm)
{
	u8 results[4];

	results[0] = tdp_fill(kvm); // expect: kvm-errno-truncated "is kept in results[0]"
	return results[0];
}

int tdp_static(struct kvm *kvm)
{
	static bool last;

	last = tdp_fill(kvm); // expect: kvm-errno-truncated "bool last"
	return last;
}

int tdp_both(struct kvm *kvm)
{
	int r = tdp_fill(kvm) && tdp_fill(kvm); // expect: kvm-errno-truncated "a yes or no"

	if (!kvm->ready)
		return -EINVAL;
	return r;
}
