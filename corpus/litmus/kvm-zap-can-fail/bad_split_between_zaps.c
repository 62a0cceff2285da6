// Each binding is split and zapped in turn: the second split fails after the first zap.
// path: arch/x86/kvm/mmu/mmu.c
int kvm_split_gfns(struct kvm *kvm, struct kvm_gfn_range *range)
{
	if (!kvm->split_cache)
		return -ENOMEM;
	return 0;
}
// path: virt/kvm/guest_memfd.c

static int kvm_gmem_take(struct gmem_file *f, pgoff_t start, pgoff_t end)
{
	struct kvm_memory_slot *slot;
	unsigned long index;
	int r = 0;

	xa_for_each_range(&f->bindings, index, slot, start, end - 1) {
		struct kvm_gfn_range range = { .slot = slot };

		r = kvm_split_gfns(f->kvm, &range);  // expect: kvm-zap-can-fail "after part of the range was zapped"
		if (r)
			break;
		kvm_mmu_unmap_gfn_range(f->kvm, &range);
	}
	return r;
}
