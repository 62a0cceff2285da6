// litmus: what each architecture provides under one name, without the prefix of a hook
// path: arch/x86/kvm/irq.h
static inline int irqchip_in_kernel(struct kvm *kvm)
{
	return kvm->arch.irqchip_mode != KVM_IRQCHIP_NONE;
}
// path: virt/kvm/irqchip.c
int send_msi(struct kvm *kvm, struct kvm_msi *msi)
{
	if (!irqchip_in_kernel(kvm))
		return -EINVAL;
	return deliver(kvm, msi);
}
