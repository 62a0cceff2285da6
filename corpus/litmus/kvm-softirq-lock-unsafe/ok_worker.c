// litmus: a work item runs in process context
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

static void pool_worker(struct work_struct *work)
{
	pool_count(from_work(work));
}

void pool_setup(struct pamt_pool *pool)
{
	spin_lock_init(&pool->pool_lock);
	INIT_WORK(&pool->work, pool_worker);
}

int pool_free(struct pamt_pool *pool)
{
	int free;

	spin_lock(&pool->pool_lock);
	free = pool->free;
	spin_unlock(&pool->pool_lock);
	return free;
}
