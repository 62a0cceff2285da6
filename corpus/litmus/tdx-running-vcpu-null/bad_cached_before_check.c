// litmus: the TDX view of the vCPU is cached before the check
// path: arch/x86/kvm/vmx/tdx.c
void pamt_topup(void)
{
	struct kvm_vcpu *vcpu = kvm_get_running_vcpu();
	struct vcpu_tdx *tdx = to_tdx(vcpu);	// expect: tdx-running-vcpu-null

	if (!vcpu)
		return;
	topup(&tdx->pamt_cache);
}
