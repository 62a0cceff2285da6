// litmus: what the module had no entropy for was not added, the page that it refused and those behind it are freed
// path: arch/x86/kvm/vmx/tdx.c
static int td_add_control_pages(struct kvm *kvm, struct kvm_tdx *kvm_tdx)
{
	struct page **tdcs_pages;
	int i, ret;
	u64 err;

	tdcs_pages = kcalloc(kvm_tdx->td.tdcs_nr_pages, sizeof(*tdcs_pages), GFP_KERNEL_ACCOUNT);
	if (!tdcs_pages)
		return -ENOMEM;
	for (i = 0; i < kvm_tdx->td.tdcs_nr_pages; i++)
		tdcs_pages[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);

	kvm_tdx->td.tdcs_pages = tdcs_pages;
	for (i = 0; i < kvm_tdx->td.tdcs_nr_pages; i++) {
		err = tdh_mng_addcx(&kvm_tdx->td, tdcs_pages[i]);
		if (err == TDX_RND_NO_ENTROPY) {
			ret = -EAGAIN;
			goto teardown;
		}
		if (TDX_BUG_ON(err, TDH_MNG_ADDCX, kvm)) {
			ret = -EIO;
			goto teardown;
		}
	}
	return 0;

teardown:
	for (; i < kvm_tdx->td.tdcs_nr_pages; i++) {
		__free_page(tdcs_pages[i]);
		tdcs_pages[i] = NULL;
	}
	return ret;
}
