// litmus: an initialiser of the structure does it
// path: arch/x86/kvm/mmu/tdp_mmu.c
static struct pool_state {
	struct mutex state_lock;
	int users;
} pool = {
	.state_lock = __MUTEX_INITIALIZER(pool.state_lock),
};

int pool_users(void)
{
	guard(mutex)(&pool.state_lock);
	return pool.users;
}
