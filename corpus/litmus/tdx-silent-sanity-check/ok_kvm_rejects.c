// litmus: KVM rejects by errno before it calls a wrapper, and compares the wrapper's status with the codes
// path: arch/x86/kvm/vmx/tdx.c
int td_read_field(struct kvm *kvm, u64 field, u64 *data)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status;

	if (!tdx->td.tdr_page)
		return -EINVAL;

	status = tdh_mng_rd(&tdx->td, field, data);
	if (status == TDX_OPERAND_INVALID)
		return -ENOENT;
	if (status == TDX_SW_ERROR)
		return -ENODEV;
	return status ? -EIO : 0;
}
