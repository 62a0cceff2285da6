static void free_page(struct head *head)
{
}

static void free_root(struct head *head)
{
}

static void later(struct head *head, rcu_callback_t func)
{
	call_rcu(head, func);
}

void put(struct head *head)
{
	call_rcu(head, free_page);
}

void put_root(struct head *head)
{
	later(head, free_root);
}
