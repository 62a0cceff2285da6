// litmus: the key is asked for by its number, and the caller does it
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

static void free_pages_of_vcpu(struct kvm_vcpu *vcpu)
{
	struct vcpu_tdx *tdx = to_tdx(vcpu);

	if (!tdx->vp.tdvpr_page)
		return;

	reclaim_control(tdx->vp.tdvpr_page);
	tdx->vp.tdvpr_page = NULL;
}

void tdx_vcpu_free(struct kvm_vcpu *vcpu)
{
	if (to_kvm_tdx(vcpu->kvm)->hkid > 0)
		return;

	free_pages_of_vcpu(vcpu);
}
