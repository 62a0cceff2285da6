// Two calls joined by || give 1 for an error; a caller that returns errors hands it on.
// path: arch/x86/kvm/vmx/tdx.c
static int tdx_get_cmd(struct kvm_tdx_cmd *cmd)
{
	if (cmd->flags)
		return -EINVAL;
	return 0;
}

static int tdx_get_both(struct kvm_tdx_cmd *cmd, struct kvm_tdx_cmd *other)
{
	return tdx_get_cmd(cmd) || tdx_get_cmd(other); // expect: kvm-errno-truncated "returned as int"
}

static int tdx_run(struct kvm *kvm, struct kvm_tdx_cmd *cmd)
{
	return kvm->arch.dead ? -EIO : -EFAULT;
}

int tdx_ioctl(struct kvm *kvm, struct kvm_tdx_cmd *cmd, struct kvm_tdx_cmd *other)
{
	int r;

	r = tdx_get_both(cmd, other);
	if (r)
		return r;

	r = tdx_run(kvm, cmd);
	if (cmd->id)
		return -EINVAL;
	return r;
}
