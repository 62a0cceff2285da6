#define max_of(a, b) ({			\
	typeof(a) _a = (a);		\
	typeof(b) _b = (b);		\
	_a > _b ? _a : _b;		\
})

static u64 largest(struct vm *vm)
{
	u64 size = max_of(first(vm), vm->size);

	return ({
		u64 twice = size * 2;

		note(twice);
		twice;
	});
}

static void thrown_away(struct vm *vm)
{
	({ begin(vm); end(vm); });
}
