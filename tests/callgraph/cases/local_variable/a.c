static int slow(int x)
{
	return x;
}

static int fast(int x)
{
	return x;
}

int run(int x, int min)
{
	handler_t handler = x ? fast : slow;

	return handler(x) + min(x, min);
}
