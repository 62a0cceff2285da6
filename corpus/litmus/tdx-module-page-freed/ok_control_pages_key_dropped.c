// litmus: the key was given back just before
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
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(vcpu->kvm);

	if (!tdx->vp.tdvpr_page)
		return;

	tdx_hkid_free(kvm_tdx);
	reclaim_control(tdx->vp.tdvpr_page);
	tdx->vp.tdvpr_page = NULL;
}
