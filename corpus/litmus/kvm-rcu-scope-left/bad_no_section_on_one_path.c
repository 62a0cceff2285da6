// litmus: one caller of a helper opens no section
// path: arch/x86/kvm/mmu/tdp_mmu.c
static struct map *map_of(struct kvm *kvm)
{
	return rcu_dereference(kvm->arch.apic_map);	// expect: kvm-rcu-scope-left "without rcu_read_lock()"
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
	return map_of(kvm)->mode;
}
