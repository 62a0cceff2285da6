int plain(int x)
{
	return x;
}

int run(struct ops *ops, int (*cb)(int), int x)
{
	return ops->missing(x) + cb(x) + handlers[x](x) + plain(x);
}
