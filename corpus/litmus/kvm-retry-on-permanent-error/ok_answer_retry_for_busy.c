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
	int r, ret = RET_PF_RETRY;

	r = tdp_link(vcpu->kvm, sptep);
	if (r == -EBUSY)
		goto out;
	ret = r ? r : RET_PF_FIXED;
out:
	return ret;
}
