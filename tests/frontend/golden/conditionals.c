static int setup(struct vm *vm)
{
	int ret = 0;

#ifdef CONFIG_ONE
	ret = one(vm);
	if (ret)
		return ret;
#else
	two(vm);
#endif

#ifdef CONFIG_THREE
	three(vm);
#endif

#if 0
	never(vm);
#endif
	if (vm->a)
#ifdef CONFIG_FOUR
		four(vm);
#else
		five(vm);
#endif
	return ret;
}
