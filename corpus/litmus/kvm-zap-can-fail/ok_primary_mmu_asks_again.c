// litmus: the op may say that it would have to block
// path: virt/kvm/kvm_main.c
static int range_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct kvm *kvm = mmu_notifier_to_kvm(mn);

	if (!mmu_notifier_range_blockable(range))
		return -EAGAIN;
	kvm_unmap_range(kvm, range->start, range->end);
	return 0;
}

static const struct mmu_notifier_ops ops = {
	.invalidate_range_start = range_start,
};
