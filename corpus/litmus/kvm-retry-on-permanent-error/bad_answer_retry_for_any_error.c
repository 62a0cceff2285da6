// A fault handler answers RET_PF_RETRY whatever the reason was: its caller turns for ever.
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int tdp_link(struct kvm *kvm, u64 *sptep)
{
	if (!kvm->cache)
		return -ENOMEM;
	if (!try_cmpxchg64(sptep, &kvm->old, kvm->new))
		return -EBUSY;
	return 0;
}

int tdp_map(struct kvm_vcpu *vcpu, u64 *sptep)
{
	int ret = RET_PF_RETRY;

	if (tdp_link(vcpu->kvm, sptep))  // expect: kvm-retry-on-permanent-error "-ENOMEM and the answer is RET_PF_RETRY"
		goto out;
	ret = RET_PF_FIXED;
out:
	return ret;
}
