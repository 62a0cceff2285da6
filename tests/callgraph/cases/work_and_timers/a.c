static void inject(struct work *work)
{
}

static void tick(struct timer *timer)
{
}

void start(struct device *device)
{
	INIT_WORK(&device->work, inject);
	timer_setup(&device->timer, tick, 0);
}
