static u64 choose(struct vm *vm, bool shared, int level)
{
	u64 mask = shared ? vm->shared_mask : private_mask(vm, level);

	level = level ?: 1;
	log(shared ? "shared" : "private", level);
	return mask | (level > 1 ? BIT(level) : 0);
}
