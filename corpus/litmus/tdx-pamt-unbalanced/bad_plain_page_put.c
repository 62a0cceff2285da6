// litmus: a plain page is freed as one with an entry
// path: arch/x86/kvm/vmx/tdx.c
static int td_add_vcpu_page(struct kvm *kvm, struct tdx_vp *vp)
{
	struct page *page;
	u64 err;

	page = alloc_page(GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;

	err = tdh_vp_addcx(vp, page);
	if (TDX_BUG_ON(err, TDH_VP_ADDCX, kvm)) {
		tdx_free_control_page(page);	// expect: tdx-pamt-unbalanced
		return -EIO;
	}
	return 0;
}
