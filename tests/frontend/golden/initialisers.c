static int open_file(struct vm *vm, u64 flags)
{
	struct args args = {
		.vm = vm,
		.flags = flags & ~HIDDEN,
		.range = { .start = first(vm), .end = 3 },
		.may_block = flags ? true : false,
	};
	int table[] = { 1, second(vm), [4] = 5 };

	args = (struct args) { .vm = vm, 0 };
	return submit(&(struct args){ .flags = table[1] });
}

static struct ops vm_ops = {
	.open = open_file,
};
