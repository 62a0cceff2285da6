// litmus: a helper returns what it read in a section of its own, and its caller follows it
// path: arch/x86/kvm/lapic.c
static struct apic_table *current_table(struct kvm *kvm)
{
	guard(rcu)();

	return rcu_dereference(kvm->arch.table);	// expect: kvm-rcu-scope-left
}

int table_size(struct kvm *kvm)
{
	struct apic_table *table = current_table(kvm);

	return table ? table->size : 0;
}
