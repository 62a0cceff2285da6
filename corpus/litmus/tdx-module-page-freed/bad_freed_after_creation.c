// litmus: the page is freed after the module took it
// path: arch/x86/kvm/vmx/tdx.c
static int td_vcpu_create(struct kvm_vcpu *vcpu)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(vcpu->kvm);
	struct vcpu_tdx *tdx = to_tdx(vcpu);
	struct page *page = alloc_page(GFP_KERNEL_ACCOUNT);
	u64 err;

	if (!page)
		return -ENOMEM;
	tdx->vp.tdvpr_page = page;

	err = tdh_vp_create(&kvm_tdx->td, &tdx->vp);
	if (TDX_BUG_ON(err, TDH_VP_CREATE, vcpu->kvm))
		goto free_page;

	scoped_guard(write_lock, &vcpu->kvm->mmu_lock)
		err = tdh_vp_init(&tdx->vp, 0, vcpu->vcpu_id);
	if (TDX_BUG_ON(err, TDH_VP_INIT, vcpu->kvm))
		goto free_page;
	return 0;

free_page:
	__free_page(page);	// expect: tdx-module-page-freed
	tdx->vp.tdvpr_page = NULL;
	return -EIO;
}
