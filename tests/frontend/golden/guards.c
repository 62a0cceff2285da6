static int held_to_the_end(struct vm *vm, int n)
{
	guard(mutex)(&vm->lock);

	if (n < 0)
		return -EINVAL;
	return vm->count[n];
}

static void held_in_a_block(struct vm *vm)
{
	scoped_guard(read_lock, &vm->mmu_lock) {
		if (vm->dead)
			return;
		if (vm->busy)
			break;
		walk(vm);
	}
	after(vm);
}

DEFINE_CLASS(vm_state, struct vm *, unlock_vm(_T), lock_vm(vm), struct vm *vm)

static int with_an_object(struct vm *vm)
{
	CLASS(vm_state, state)(vm);

	if (IS_ERR(state))
		return PTR_ERR(state);

	guard(rcu)();
	return use(state);
}

static void left_by_goto(struct vm *vm)
{
	{
		guard(spinlock)(&vm->spin);
		if (bad(vm))
			goto out;
		work(vm);
	}
	more(vm);
out:
	done(vm);
}
