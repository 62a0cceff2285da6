// litmus: it is derived behind the check
// path: arch/x86/kvm/vmx/tdx.c
void pamt_topup(void)
{
	struct kvm_vcpu *vcpu = kvm_get_running_vcpu();
	struct vcpu_tdx *tdx;

	if (!vcpu)
		return;
	tdx = to_tdx(vcpu);
	topup(&tdx->pamt_cache);
}
