// litmus: a control page is freed without a reclaim
// path: arch/x86/kvm/vmx/tdx.c
static int td_take_back(struct page *page)
{
	u64 err, a, b, c;

	err = tdh_phymem_page_reclaim(page, &a, &b, &c);
	if (TDX_BUG_ON_3(err, TDH_PHYMEM_PAGE_RECLAIM, a, b, c, NULL))
		return -EIO;
	return 0;
}

static void td_release_page(struct page *page)
{
	if (td_take_back(page))
		return;
	__free_page(page);
}

void td_vcpu_free(struct kvm_vcpu *vcpu)
{
	struct vcpu_tdx *tdx = to_tdx(vcpu);

	if (is_hkid_assigned(to_kvm_tdx(vcpu->kvm)))
		return;
	if (tdx->vp.tdvpr_page) {
		__free_page(tdx->vp.tdvpr_page);	// expect: tdx-module-page-freed
		tdx->vp.tdvpr_page = NULL;
	}
}
