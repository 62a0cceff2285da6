// A step before the zap may fail; it is no zap.
// path: arch/x86/kvm/mmu/mmu.c
int kvm_split_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range)
{
	return kvm->cache ? 0 : -ENOMEM;
}
