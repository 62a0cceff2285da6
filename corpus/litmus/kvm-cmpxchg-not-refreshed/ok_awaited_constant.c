// A lock bit is awaited: the expected value is fixed on purpose.
// path: arch/x86/kvm/mmu/mmu.c
void take(atomic_t *lock)
{
	while (atomic_cmpxchg_acquire(lock, 0, 1))
		cpu_relax();
}
