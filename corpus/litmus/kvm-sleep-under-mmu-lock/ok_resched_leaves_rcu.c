// litmus: the read section is left first
// path: arch/x86/kvm/mmu/tdp_mmu.c
static bool walk_yield(struct kvm *kvm)
{
	if (!need_resched())
		return false;
	rcu_read_unlock();
	cond_resched_rwlock_write(&kvm->mmu_lock);
	rcu_read_lock();
	return true;
}

void walk_all(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	rcu_read_lock();
	while (walk_yield(kvm))
		cpu_relax();
	rcu_read_unlock();
	write_unlock(&kvm->mmu_lock);
}
