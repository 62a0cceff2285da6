// litmus: the call is in a macro of a common header
// path: virt/kvm/kvm_mm.h
#define KVM_GMEM_FORGET(kvm) do { tdx_forget_all(kvm); } while (0)	// expect: kvm-gmem-layering-broken
// path: virt/kvm/guest_memfd.c
static void kvm_gmem_forget(struct kvm *kvm)
{
	KVM_GMEM_FORGET(kvm);
}
