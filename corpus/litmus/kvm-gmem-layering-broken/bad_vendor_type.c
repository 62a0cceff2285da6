// litmus: common code asks which vendor the VM is of
// path: virt/kvm/guest_memfd.c
static bool kvm_gmem_is_precise(struct kvm *kvm)
{
	return kvm->arch.vm_type == KVM_X86_TDX_VM;	// expect: kvm-gmem-layering-broken
}
