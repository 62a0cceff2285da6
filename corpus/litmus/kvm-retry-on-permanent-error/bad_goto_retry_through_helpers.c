// The errno is born two helpers away, in another file; the loop asks only whether it failed.
// path: virt/kvm/kvm_main.c
int kvm_take_slot(struct kvm *kvm, gfn_t gfn)
{
	if (!kvm->slots)
		return -EINVAL;
	if (kvm->busy)
		return -EAGAIN;
	return 0;
}
// path: arch/x86/kvm/mmu/mmu.c
static int mmu_take(struct kvm *kvm, gfn_t gfn)
{
	int ret = kvm_take_slot(kvm, gfn);

	return ret;
}

int mmu_map_range(struct kvm *kvm, gfn_t gfn)
{
	int r;

retry:
	r = mmu_take(kvm, gfn);  // expect: kvm-retry-on-permanent-error "-EINVAL"
	if (r < 0)
		goto retry;

	return 0;
}
