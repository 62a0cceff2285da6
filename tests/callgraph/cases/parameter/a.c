typedef int (*populate_cb)(int x);

static int __populate(populate_cb post, int x)
{
	return post ? post(x) : 0;
}

int populate(populate_cb post, int x)
{
	return __populate(post, x);
}
