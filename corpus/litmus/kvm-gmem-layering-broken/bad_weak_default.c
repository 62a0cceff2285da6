// litmus: a weak default that is there for one architecture
// path: virt/kvm/kvm_main.c
int __weak kvm_drop_leafs(struct kvm *kvm)	// expect: kvm-gmem-layering-broken
{
	return 0;
}
// path: arch/x86/kvm/mmu/mmu.c
int kvm_drop_leafs(struct kvm *kvm)
{
	return 1;
}
