#define vt_op(name) vt_##name

static int vt_vcpu_run(int x)
{
	return x;
}

struct x86_ops vt_x86_ops = {
	.vcpu_run = vt_op(vcpu_run),
};

int enter(struct x86_ops *ops, int x)
{
	return ops->vcpu_run(x);
}
