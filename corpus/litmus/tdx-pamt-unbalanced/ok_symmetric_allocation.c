// litmus: a page of the symmetric allocator goes back to it
// path: arch/x86/kvm/vmx/tdx.c
static int td_add_vcpu_page(struct kvm *kvm, struct tdx_vp *vp)
{
	struct page *page;
	u64 err;

	page = tdx_alloc_control_page(&to_kvm_tdx(kvm)->cache);
	if (!page)
		return -ENOMEM;

	err = tdh_vp_addcx(vp, page);
	if (TDX_BUG_ON(err, TDH_VP_ADDCX, kvm)) {
		tdx_free_control_page(page);
		return -EIO;
	}
	return 0;
}
