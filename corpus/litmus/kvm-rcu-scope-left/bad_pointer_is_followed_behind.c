// litmus: a copy of the pointer is followed once the section has ended
// path: virt/kvm/eventfd.c
int route_count(struct kvm *kvm)
{
	struct route_table *table, *seen;
	int count = 0;

	rcu_read_lock();
	table = rcu_dereference(kvm->routes);
	seen = table;
	rcu_read_unlock();

	if (seen)
		count = seen->count;	// expect: kvm-rcu-scope-left
	return count;
}
