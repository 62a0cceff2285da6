// litmus: a pg_level is compared with a pg_level
// path: arch/x86/kvm/vmx/tdx.c
int td_check_level(struct kvm *kvm, enum pg_level level)
{
	if (KVM_BUG_ON(level > PG_LEVEL_2M, kvm))
		return -EIO;
	return 0;
}

int td_pick_level(struct kvm *kvm, struct kvm_page_fault *fault)
{
	enum pg_level level = fault->goal_level;
	int r;

	r = td_check_level(kvm, level);
	return r ? r : level;
}
