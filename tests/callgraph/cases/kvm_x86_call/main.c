static int svm_run(int x)
{
	return x;
}

static int vmx_run(int x)
{
	return x;
}

struct kvm_x86_ops svm_ops = {
	.run = svm_run,
};

struct kvm_x86_ops vmx_ops = {
	.run = vmx_run,
};

int enter(int x)
{
	return kvm_x86_call(run)(x);
}

int again(int x)
{
	return static_call(kvm_x86_run)(x);
}
