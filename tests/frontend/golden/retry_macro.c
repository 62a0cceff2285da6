#define call_retry(_func, _vm, _args...)			\
({								\
	u64 _err;						\
								\
	_err = _func(_args);					\
	if (unlikely(busy(_err))) {				\
		kick_all(_vm);					\
		_err = _func(_args);				\
		resume(_vm);					\
	}							\
	_err;							\
})

static int block(struct vm *vm, u64 gpa, int level)
{
	u64 entry, err;

	err = call_retry(seam_block, vm, &vm->td, gpa, level,
			 &entry);
	if (BUG_ON_VM(err, vm))
		return -EIO;

	return call_retry(seam_track, vm) ? -EIO : 0;
}
