#define for_each_root(_vm, _root)				\
	for (_root = first_root(_vm);				\
	     _root;						\
	     _root = next_root(_vm, _root))			\
		if (skip(_root)) {				\
		} else

static void zap_all(struct vm *vm)
{
	struct root *root;
	struct iter iter;

	for_each_root(vm, root) {
		if (!root->live)
			continue;
		for_each_entry(iter, root, 0, vm->end) {
			if (iter.level == 1)
				break;
			zap(root, &iter);
		}
	}
}

static void plain(int n)
{
	for (int i = 0; i < n; i++) {
		if (i == 3)
			continue;
		step(i);
	}
	while (more(n))
		n--;
	do {
		n = again(n);
	} while (n > 0);
	for (;;)
		if (stop())
			break;
}
