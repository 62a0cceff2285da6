// path: virt/kvm/kvm_main.c
static void kvm_zap_one(struct kvm *kvm, struct kvm_gfn_range *range)
{
	int ret = kvm_mmu_unmap_gfn_range(kvm, range);

	WARN_ON_ONCE(ret < 0);  // expect: kvm-zap-can-fail "only warned of"
	if (ret > 0)
		kvm_flush_remote_tlbs(kvm);
}
