// litmus: a common function with an implementation for each
// path: virt/kvm/guest_memfd.c
static void kvm_gmem_forget(struct kvm *kvm, gfn_t start, gfn_t end)
{
	kvm_forget_range(kvm, start, end);
}
// path: virt/kvm/kvm_main.c
void kvm_forget_range(struct kvm *kvm, gfn_t start, gfn_t end)
{
	kvm_arch_forget_range(kvm, start, end);
}
