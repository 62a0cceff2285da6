// litmus: a timer takes the lock in a helper, a reader leaves softirqs on
// path: arch/x86/virt/vmx/tdx/tdx.c
struct pamt_pool {
	spinlock_t pool_lock;
	struct timer_list timer;
	struct irq_work work;
	int free;
};

static void pool_count(struct pamt_pool *pool)
{
	spin_lock(&pool->pool_lock);
	pool->free++;
	spin_unlock(&pool->pool_lock);
}

static void pool_timer(struct timer_list *t)
{
	pool_count(from_timer(t));
}

void pool_setup(struct pamt_pool *pool)
{
	spin_lock_init(&pool->pool_lock);
	timer_setup(&pool->timer, pool_timer, 0);
}

int pool_free(struct pamt_pool *pool)
{
	int free;

	spin_lock(&pool->pool_lock);	// expect: kvm-softirq-lock-unsafe "with softirqs on"
	free = pool->free;
	spin_unlock(&pool->pool_lock);
	return free;
}
