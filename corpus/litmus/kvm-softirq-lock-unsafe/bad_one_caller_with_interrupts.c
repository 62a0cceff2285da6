// litmus: one of two callers leaves interrupts on
// path: arch/x86/kvm/mmu/tdp_mmu.c
static DEFINE_RAW_SPINLOCK(wake_lock);

static void wake_handler(void *info)
{
	raw_spin_lock(&wake_lock);
	wake_all(info);
	raw_spin_unlock(&wake_lock);
}

void wake_remote(int cpu)
{
	smp_call_function_single(cpu, wake_handler, NULL, 0);
}

static void wake_add(struct kvm_vcpu *vcpu)
{
	raw_spin_lock(&wake_lock);	// expect: kvm-softirq-lock-unsafe "with interrupts on"
	list_add_vcpu(vcpu);
	raw_spin_unlock(&wake_lock);
}

void wake_block(struct kvm_vcpu *vcpu)
{
	unsigned long flags;

	local_irq_save(flags);
	wake_add(vcpu);
	local_irq_restore(flags);
}

void wake_restore(struct kvm_vcpu *vcpu)
{
	wake_add(vcpu);
}
