// litmus: a handler is handed to a walk that runs it once more after its read section
// path: arch/x86/kvm/mmu/tdp_mmu.c
static bool run_on_leafs(struct kvm *kvm, struct kvm_gfn_range *range, tdp_handler_t handler)
{
	struct tdp_iter *iter = first_of(range);
	bool ret = false;

	rcu_read_lock();
	iter = next_of(iter);
	rcu_read_unlock();
	ret |= handler(kvm, iter, range);  // expect: kvm-rcu-scope-left
	return ret;
}

static bool age_leaf(struct kvm *kvm, struct tdp_iter *iter, struct kvm_gfn_range *range)
{
	return *rcu_dereference(iter->sptep) & 1;
}

bool age_leafs(struct kvm *kvm, struct kvm_gfn_range *range)
{
	return run_on_leafs(kvm, range, age_leaf);
}
