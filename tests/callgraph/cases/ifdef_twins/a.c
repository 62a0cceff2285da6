static int one(int x)
{
	return x;
}

static int two(int x)
{
	return x;
}

#ifdef CONFIG_FAST
static int pick(int x)
{
	int y = one(x);

	return y;
}
#else
static int pick(int x) { return 0; }
#endif

int run(int x)
{
#ifdef CONFIG_FAST
	one(x);
#else
	two(x);
#endif
	return pick(x);
}
