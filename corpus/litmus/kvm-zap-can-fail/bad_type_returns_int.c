// The type and its implementations become int: told once, at the type.
// path: virt/kvm/kvm_main.c
typedef int (*gfn_handler_t)(struct kvm *kvm, struct kvm_gfn_range *range);  // expect: kvm-zap-can-fail "gfn_handler_t"

int kvm_mmu_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range)
{
	return zap_it(kvm, range);
}
