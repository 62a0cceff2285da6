// litmus: a guard takes the lock of a static structure
// path: arch/x86/kvm/mmu/tdp_mmu.c
static struct pool_state {
	struct mutex state_lock;
	int users;
} pool;

int pool_users(void)
{
	guard(mutex)(&pool.state_lock);	// expect: kvm-lock-uninitialised
	return pool.users;
}
