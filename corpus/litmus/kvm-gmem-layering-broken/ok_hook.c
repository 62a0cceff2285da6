// litmus: the same work behind a hook
// path: virt/kvm/guest_memfd.c
static void kvm_gmem_forget(struct kvm *kvm, gfn_t start, gfn_t end)
{
	kvm_arch_gmem_forget(kvm, start, end);
}
// path: arch/x86/kvm/mmu/mmu.c
void kvm_arch_gmem_forget(struct kvm *kvm, gfn_t start, gfn_t end)
{
}
