#define check_or(x, label) do {		\
	if (!(x))			\
		goto label;		\
} while (0)

static int steps(struct vm *vm)
{
	do {
		if (first(vm))
			break;
		second(vm);
	} while (0);

	check_or(third(vm), out);
	fourth(vm);
out:
	return 0;
}
