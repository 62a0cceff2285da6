// litmus: the op by which the primary MMU takes memory away allocates a record first
// path: virt/kvm/kvm_main.c
static int note_range(struct kvm *kvm, unsigned long start)
{
	struct range_note *note = kmalloc(sizeof(*note), GFP_NOWAIT);

	if (!note)
		return -ENOMEM;
	note->start = start;
	list_add(&note->link, &kvm->notes);
	return 0;
}

static int range_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)	// expect: kvm-zap-can-fail
{
	struct kvm *kvm = mmu_notifier_to_kvm(mn);
	int r = note_range(kvm, range->start);

	if (r)
		return r;
	kvm_unmap_range(kvm, range->start, range->end);
	return 0;
}

static const struct mmu_notifier_ops ops = {
	.invalidate_range_start = range_start,
};
