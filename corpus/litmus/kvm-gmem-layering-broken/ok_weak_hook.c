// litmus: a weak default of a hook
// path: virt/kvm/kvm_main.c
int __weak kvm_arch_drop_leafs(struct kvm *kvm)
{
	return 0;
}
// path: arch/x86/kvm/mmu/mmu.c
int kvm_arch_drop_leafs(struct kvm *kvm)
{
	return 1;
}
