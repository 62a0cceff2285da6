// litmus: what one configuration adds is no check of the vCPU
// path: virt/kvm/kvm_main.c
void mark_dirty(struct kvm *kvm, int slot)
{
	struct kvm_vcpu *vcpu = kvm_get_running_vcpu();

#ifdef CONFIG_HAVE_KVM_DIRTY_RING
	if (WARN_ON_ONCE(!kvm->dirty_ring_size))
		return;
#endif
	push(&vcpu->dirty_ring, slot);  // expect: tdx-running-vcpu-null
}
