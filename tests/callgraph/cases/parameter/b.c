static int post_populate(int x)
{
	return x;
}

int init_region(int x)
{
	return populate(post_populate, x);
}
