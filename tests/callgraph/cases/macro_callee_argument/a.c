#define retry(func, args...)			\
({						\
	int __err;				\
						\
	assert_locked();			\
	__err = func(args);			\
	if (busy(__err))			\
		__err = func(args);		\
	__err;					\
})

void assert_locked(void)
{
}

int busy(int err)
{
	return err == 5;
}

int track(int x)
{
	return x;
}

int block(int x)
{
	return x;
}

int do_track(int x)
{
	return retry(track, x);
}

int do_block(int x)
{
	return retry(block, x);
}
