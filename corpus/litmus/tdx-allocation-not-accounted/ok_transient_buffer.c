// litmus: a buffer for the time of one ioctl is not charged
// path: arch/x86/kvm/vmx/tdx.c
static int td_copy_params(struct kvm *kvm, void __user *user)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
	struct td_params *params;
	int ret = 0;

	params = kzalloc(sizeof(*params), GFP_KERNEL);
	if (!params)
		return -ENOMEM;
	if (copy_from_user(params, user, sizeof(*params)))
		ret = -EFAULT;
	else
		kvm_tdx->attributes = params->attributes;
	kfree(params);
	return ret;
}
