// litmus: a helper is passed flags that charge
// path: arch/x86/kvm/vmx/tdx.c
static struct page *td_new_page(gfp_t gfp)
{
	return alloc_page(gfp | __GFP_ZERO);
}

static struct page *td_vcpu_new_page(struct kvm_vcpu *vcpu)
{
	return td_new_page(GFP_KERNEL_ACCOUNT);
}

int td_vcpu_init(struct kvm_vcpu *vcpu)
{
	struct vcpu_tdx *tdx = to_tdx(vcpu);
	struct page *page = td_vcpu_new_page(vcpu);

	if (!page)
		return -ENOMEM;
	tdx->vp.tdvpr_page = page;
	return 0;
}
