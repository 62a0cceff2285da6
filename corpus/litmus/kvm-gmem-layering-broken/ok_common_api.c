// litmus: a new function that each architecture implements is declared for all
// path: virt/kvm/guest_memfd.c
static void kvm_gmem_forget(struct kvm *kvm, gfn_t start, gfn_t end)
{
	kvm_forget_range(kvm, start, end);
}
// path: include/linux/kvm_host.h
void kvm_forget_range(struct kvm *kvm, gfn_t start, gfn_t end);
// path: arch/x86/kvm/mmu/mmu.c
void kvm_forget_range(struct kvm *kvm, gfn_t start, gfn_t end)
{
}
