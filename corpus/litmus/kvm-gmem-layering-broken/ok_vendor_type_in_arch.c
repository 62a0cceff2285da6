// litmus: the hook asks
// path: arch/x86/kvm/x86.c
bool kvm_arch_gmem_is_precise(struct kvm *kvm)
{
	return kvm->arch.vm_type == KVM_X86_TDX_VM;
}
