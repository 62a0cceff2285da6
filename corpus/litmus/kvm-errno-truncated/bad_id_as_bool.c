// litmus: what gives an ID or an errno ends in a bool, while a lock is held
// path: arch/x86/kvm/xen.c
static bool kvm_port_publish(struct kvm *kvm, struct port *port)
{
	guard(mutex)(&kvm->arch.xen.xen_lock);

	return idr_alloc(&kvm->arch.xen.evtchn_ports, port, port->nr, port->nr + 1, GFP_KERNEL);	// expect: kvm-errno-truncated
}

static int kvm_port_assign(struct kvm *kvm, struct port *port)
{
	int ret = kvm_port_publish(kvm, port);

	if (ret >= 0)
		return 0;
	kfree(port);
	return ret;
}
