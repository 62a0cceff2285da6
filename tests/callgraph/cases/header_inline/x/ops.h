static inline int level(int x)
{
	return x;
}

static inline int init_device(int x)
{
	return -1;
}
