// path: arch/x86/kvm/mmu/tdp_mmu.c
// The walk is told to stay where it is, and the same entry finds no memory again. A key is set until it works.
static int split_all(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start, gfn_t end)
{
	struct kvm_mmu_page *sp = NULL;
	struct tdp_iter iter;

	tdp_iter_start(&iter, root, 1, start, 0);
	while (iter.valid && iter.gfn < end) {
		if (!sp) {
			rcu_read_unlock();
			sp = kmem_cache_zalloc(header_cache, GFP_KERNEL_ACCOUNT);	// expect: kvm-retry-on-permanent-error
			rcu_read_lock();
			iter.yielded = true;
			tdp_iter_next(&iter);
			continue;
		}
		split_one(kvm, &iter, sp);
		sp = NULL;
		tdp_iter_next(&iter);
	}
	return 0;
}

static int set_key(void *data)
{
	struct kvm *kvm = data;

	if (!kvm->ready)
		return -EIO;
	return 0;
}

static int set_key_on(int cpu, struct kvm *kvm)
{
	int r;

	do {
		r = smp_call_on_cpu(cpu, set_key, kvm, true);	// expect: kvm-retry-on-permanent-error
		cond_resched();
	} while (r);
	return r;
}
