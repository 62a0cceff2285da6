// path: virt/kvm/kvm_main.c
static void kvm_zap_one(struct kvm *kvm, struct kvm_gfn_range *range)
{
	bool flush = kvm_mmu_unmap_gfn_range(kvm, range);

	WARN_ON_ONCE(flush && !range->may_block);
	if (flush)
		kvm_flush_remote_tlbs(kvm);
}
