// path: arch/x86/kvm/mmu/mmu.c
int kvm_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range)  // expect: kvm-zap-can-fail "returns int"
{
	return stage2_unmap(kvm, range->start, range->end);
}
