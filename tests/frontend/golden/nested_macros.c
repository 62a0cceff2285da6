#define lock_it(v) spin_lock(&(v)->lock)
#define with_lock(v, call)	\
do {				\
	lock_it(v);		\
	call;			\
	spin_unlock(&(v)->lock);	\
} while (0)
#define log_it(fmt, ...) print("vm: " fmt, ##__VA_ARGS__)

static void run(struct vm *vm)
{
	with_lock(vm,
		  start_vm(vm,
			    vm->arg));
	log_it("done");
	log_it("%d",
	       count(vm));
}

#define late(vm)			\
	do {				\
		if (vm->late)		\
			with_lock(vm, hurry(vm));	\
	} while (0)

static void twice_nested(struct vm *vm)
{
	late(vm);
}
