// litmus: the pointer to a page that is freed stays
// path: arch/x86/kvm/vmx/tdx.c
void td_root_free(struct kvm_tdx *kvm_tdx)
{
	if (is_hkid_assigned(kvm_tdx) || tdx_reclaim_page(kvm_tdx->td.tdr_page))
		return;
	__free_page(kvm_tdx->td.tdr_page);
}	// expect: tdx-module-page-freed
