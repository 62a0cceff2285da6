static int handle_exception(int x)
{
	return x;
}

static int handle_triple_fault(int x)
{
	return x;
}

static int (*exit_handlers[])(int x) = {
	[EXIT_REASON_EXCEPTION]		= handle_exception,
	[EXIT_REASON_TRIPLE_FAULT]	= &handle_triple_fault,
	[EXIT_REASON_OTHER]		= not_read,
};

int handle_exit(int reason)
{
	return exit_handlers[reason](reason);
}
