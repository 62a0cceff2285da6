// litmus: both callers do
// path: arch/x86/kvm/mmu/tdp_mmu.c
static struct map *map_of(struct kvm *kvm)
{
	return rcu_dereference(kvm->arch.apic_map);
}

int map_size(struct kvm *kvm)
{
	int size;

	rcu_read_lock();
	size = map_of(kvm)->size;
	rcu_read_unlock();
	return size;
}

int map_mode(struct kvm *kvm)
{
	guard(rcu)();
	return map_of(kvm)->mode;
}
