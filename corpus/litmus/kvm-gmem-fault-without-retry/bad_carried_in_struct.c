// litmus: the helper that checks is lockless in truth
// path: arch/arm64/kvm/walk.c
struct walk {
	struct kvm_memory_slot *slot;
	gfn_t gfn;
	kvm_pfn_t pfn;
	unsigned long seq;
	struct page *page;
};

static int walk_lookup(struct kvm_vcpu *vcpu, struct walk *walk)
{
	return kvm_gmem_get_pfn(vcpu->kvm, walk->slot, walk->gfn, &walk->pfn, &walk->page, NULL);
}

static int walk_start(struct kvm_vcpu *vcpu, struct walk *walk)
{
	walk->seq = vcpu->kvm->mmu_invalidate_seq;
	smp_rmb();
	return walk_lookup(vcpu, walk);
}

static bool walk_stale(struct kvm_vcpu *vcpu, struct walk *walk)
{
	return mmu_invalidate_retry_gfn_unsafe(vcpu->kvm, walk->seq, walk->gfn);
}

int walk_map(struct kvm_vcpu *vcpu, struct kvm_memory_slot *slot, gfn_t gfn)
{
	struct walk walk = { .slot = slot, .gfn = gfn };
	int r;

	r = walk_start(vcpu, &walk);
	if (r)
		return r;

	guard(write_lock)(&vcpu->kvm->mmu_lock);
	if (walk_stale(vcpu, &walk))
		return -EAGAIN;
	return kvm_pgtable_stage2_map(vcpu->arch.pgt, gfn, PAGE_SIZE, __pfn_to_phys(walk.pfn));	// expect: kvm-gmem-fault-without-retry
}
