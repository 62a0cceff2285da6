// litmus: the helper that reclaims returns success on failure
// path: arch/x86/kvm/vmx/tdx.c
static int td_take_back(struct page *page)
{
	u64 err, a, b, c;

	err = tdh_phymem_page_reclaim(page, &a, &b, &c);
	if (TDX_BUG_ON_3(err, TDH_PHYMEM_PAGE_RECLAIM, a, b, c, NULL))
		return 0;
	return 0;
}

static void td_release_page(struct page *page)
{
	if (td_take_back(page))
		return;
	__free_page(page);	// expect: tdx-module-page-freed
}

void td_vcpu_free(struct kvm_vcpu *vcpu)
{
	struct vcpu_tdx *tdx = to_tdx(vcpu);

	if (is_hkid_assigned(to_kvm_tdx(vcpu->kvm)))
		return;
	if (tdx->vp.tdvpr_page) {
		td_release_page(tdx->vp.tdvpr_page);
		tdx->vp.tdvpr_page = NULL;
	}
}
