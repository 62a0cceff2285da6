// litmus: the gmem_max_mapping_level hook answers from the state of the TD
// path: arch/x86/kvm/vmx/tdx.c
static int td_max_level(struct kvm *kvm, kvm_pfn_t pfn, bool is_private)
{
	int level;

	if (!is_private)
		return 0;

	level = to_kvm_tdx(kvm)->state == TD_STATE_RUNNABLE ? PG_LEVEL_2M : PG_LEVEL_4K;
	return level;
}

void __init td_hardware_setup(void)
{
	vt_x86_ops.gmem_max_mapping_level = td_max_level;
}
