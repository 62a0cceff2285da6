struct x86_ops vt_x86_ops;

int level(int x)
{
	return x;
}

int setup(struct walk *walk, int level)
{
	walk->depth = level;
	vt_x86_ops.set_external_spte = tdx_set_spte;
	return 0;
}

int commit(struct x86_ops *ops, int x)
{
	return ops->set_external_spte(x) + ops->depth(x);
}
