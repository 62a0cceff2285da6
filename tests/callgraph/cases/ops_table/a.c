struct ops {
	int (*read)(int, int);
};

static int disk_read(int a, int b)
{
	return a;
}

static int tape_read(int a, int b)
{
	return b;
}

static int proc_read(int a)
{
	return a;
}

static const struct ops disk_ops = {
	.read = disk_read,
};

static const struct ops tape_ops = {
	.read = &tape_read,
};

static const struct proc_ops proc_ops = {
	.read = proc_read,
};

int use(const struct ops *ops)
{
	return ops->read(1, 2);
}
