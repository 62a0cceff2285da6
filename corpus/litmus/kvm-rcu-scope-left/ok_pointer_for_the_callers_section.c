// litmus: whoever calls the helper has a section of its own around the use
// path: arch/x86/kvm/lapic.c
static struct apic_table *current_table(struct kvm *kvm)
{
	guard(rcu)();

	return rcu_dereference(kvm->arch.table);
}

int table_size(struct kvm *kvm)
{
	struct apic_table *table;
	int size = 0;

	rcu_read_lock();
	table = current_table(kvm);
	if (table)
		size = table->size;
	rcu_read_unlock();
	return size;
}
