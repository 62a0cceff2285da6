struct range {
	gfn_handler_t handler;
};

static int unmap(int x)
{
	return x;
}

static int age(int x)
{
	return x;
}

static int handle(const struct range *range, int x)
{
	return range->handler(x);
}

int unmap_range(int x)
{
	const struct range range = {
		.handler = unmap,
	};

	return handle(&range, x);
}

static int age_range(gfn_handler_t handler, int x)
{
	const struct range range = {
		.handler = handler,
	};

	return handle(&range, x);
}

int age_all(int x)
{
	return age_range(age, x);
}
