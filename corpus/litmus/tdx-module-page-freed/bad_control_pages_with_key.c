// litmus: the control pages of a vCPU are reclaimed where nobody asked whether the key is free
// path: arch/x86/kvm/vmx/tdx.h
static inline bool is_hkid_assigned(struct kvm_tdx *kvm_tdx)
{
	return kvm_tdx->hkid > 0;
}
// path: arch/x86/kvm/vmx/tdx.c
static void reclaim_control(struct page *page)
{
	if (tdx_reclaim_page(page))
		return;

	__free_page(page);
}

void tdx_vcpu_free(struct kvm_vcpu *vcpu)
{
	struct vcpu_tdx *tdx = to_tdx(vcpu);

	if (!tdx->vp.tdvpr_page)
		return;

	reclaim_control(tdx->vp.tdvpr_page);	// expect: tdx-module-page-freed "HKID may be assigned"
	tdx->vp.tdvpr_page = NULL;
}
