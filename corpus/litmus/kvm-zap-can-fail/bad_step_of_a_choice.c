// litmus: a step that can fail, chosen by a condition, runs between the slots that are zapped
// path: virt/kvm/kvm_main.c
struct kvm_mmu_notifier_range {
	gfn_handler_t handler;
	int (*prepare)(struct kvm *kvm, struct kvm_gfn_range *range);
};

static int kvm_reserve(struct kvm *kvm, struct kvm_gfn_range *range)
{
	return xa_reserve(&kvm->mem_attr_array, range->start, GFP_NOWAIT);
}

static int kvm_handle_slots(struct kvm *kvm, struct kvm_mmu_notifier_range *range, struct kvm_gfn_range *gfns)
{
	int i, err;

	for (i = 0; i < 2; i++) {
		err = range->prepare(kvm, &gfns[i]);	// expect: kvm-zap-can-fail
		if (err)
			return err;
		range->handler(kvm, &gfns[i]);
	}
	return 0;
}

static int kvm_set_attributes(struct kvm *kvm, unsigned long attributes, struct kvm_gfn_range *gfns)
{
	struct kvm_mmu_notifier_range range = {
		.handler = kvm_pre_set_memory_attributes,
		.prepare = attributes ? kvm_reserve : NULL,
	};

	return kvm_handle_slots(kvm, &range, gfns);
}
