// litmus: the check stands where the configuration has what is used behind it
// path: virt/kvm/kvm_main.c
void mark_dirty(struct kvm *kvm, int slot)
{
	struct kvm_vcpu *vcpu = kvm_get_running_vcpu();

#ifdef CONFIG_HAVE_KVM_DIRTY_RING
	if (WARN_ON_ONCE(!vcpu) || WARN_ON_ONCE(vcpu->kvm != kvm))
		return;
#endif
	if (kvm->dirty_ring_size)
		push(&vcpu->dirty_ring, slot);
}
