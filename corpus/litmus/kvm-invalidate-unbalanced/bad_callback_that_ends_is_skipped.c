// litmus: a failure skips the walk whose callback ends it
// path: virt/kvm/kvm_main.c
void kvm_mmu_invalidate_start(struct kvm *kvm)
{
	kvm->mmu_invalidate_in_progress++;
}

void kvm_mmu_invalidate_end(struct kvm *kvm)
{
	kvm->mmu_invalidate_seq++;
	kvm->mmu_invalidate_in_progress--;
}

struct range_op {
	void (*on_lock)(struct kvm *kvm);
	bool (*handler)(struct kvm *kvm, struct kvm_gfn_range *range);
};

static bool add_range(struct kvm *kvm, struct kvm_gfn_range *range)
{
	kvm_mmu_invalidate_range_add(kvm, range->start, range->end);
	return false;
}

static void walk_slots(struct kvm *kvm, struct range_op *op)
{
	struct kvm_gfn_range range;
	bool found = false;

	while (next_range(kvm, &range)) {
		if (!found) {
			found = true;
			KVM_MMU_LOCK(kvm);
			op->on_lock(kvm);
		}
		op->handler(kvm, &range);
	}
	if (found)
		KVM_MMU_UNLOCK(kvm);
}

int set_attributes(struct kvm *kvm, unsigned long attributes)
{
	struct range_op before = { .on_lock = kvm_mmu_invalidate_start, .handler = add_range };
	struct range_op after = { .on_lock = kvm_mmu_invalidate_end, .handler = apply_range };
	int ret;

	mutex_lock(&kvm->slots_lock);
	ret = reserve(kvm, attributes);
	if (ret)
		goto out;
	walk_slots(kvm, &before);
	ret = store_attributes(kvm, attributes);
	if (ret)
		goto out;
	walk_slots(kvm, &after);
out:
	mutex_unlock(&kvm->slots_lock);
	return ret;	// expect: kvm-invalidate-unbalanced
}
