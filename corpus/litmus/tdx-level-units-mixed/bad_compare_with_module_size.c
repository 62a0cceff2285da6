// litmus: a pg_level is compared with the module's constant for 2M, which is the number of PG_LEVEL_4K
// path: arch/x86/kvm/vmx/tdx.c
int td_check_level(struct kvm *kvm, enum pg_level level)
{
	if (KVM_BUG_ON(level > TDX_PS_2M, kvm))	// expect: tdx-level-units-mixed
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
