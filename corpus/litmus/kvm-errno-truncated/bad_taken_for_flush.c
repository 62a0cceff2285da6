// path: arch/x86/kvm/mmu/mmu.c
static int split(struct kvm *kvm, gfn_t gfn)
{
	if (!kvm->cache)
		return -ENOMEM;
	return 0;
}

void convert(struct kvm *kvm, gfn_t gfn)
{
	int r = split(kvm, gfn);

	if (r)  // expect: kvm-errno-truncated "reason to flush"
		kvm_flush_remote_tlbs(kvm);
}
