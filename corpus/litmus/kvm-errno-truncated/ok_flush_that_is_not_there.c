// litmus: a flush of a range that fails, or is not supported, is followed by one of everything
// path: arch/x86/kvm/mmu/mmu.c
void flush_range(struct kvm *kvm, struct kvm_tlb_range *range)
{
	int ret = -ENOTSUPP;

	if (range && kvm_x86_ops.tlb_remote_flush_with_range)
		ret = static_call(kvm_x86_tlb_remote_flush_with_range)(kvm, range);
	if (ret)
		kvm_flush_remote_tlbs(kvm);
}
