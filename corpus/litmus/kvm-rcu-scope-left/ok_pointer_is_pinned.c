// litmus: the object gets a reference before the section ends, or a value of it is kept
// path: virt/kvm/eventfd.c
static struct route_table *get_routes(struct kvm *kvm)
{
	struct route_table *table;

	rcu_read_lock();
	table = rcu_dereference(kvm->routes);
	if (table && !kref_get_unless_zero(&table->ref))
		table = NULL;
	rcu_read_unlock();
	return table;
}

int route_count(struct kvm *kvm)
{
	struct route_table *table = get_routes(kvm);
	int count = table ? table->count : 0;

	if (table)
		put_routes(table);
	return count;
}

int first_route(struct kvm *kvm)
{
	struct route_table *table;
	int first = -1;

	rcu_read_lock();
	table = rcu_dereference(kvm->routes);
	if (table)
		first = table->first;
	rcu_read_unlock();
	return first;
}
