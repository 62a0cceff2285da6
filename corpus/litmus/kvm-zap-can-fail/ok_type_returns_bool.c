// path: virt/kvm/kvm_main.c
typedef bool (*gfn_handler_t)(struct kvm *kvm, struct kvm_gfn_range *range);

bool kvm_mmu_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range)
{
	return zap_it(kvm, range);
}
