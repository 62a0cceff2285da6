// litmus: the pages of an array that a vCPU keeps are allocated in one call
// path: arch/x86/kvm/vmx/tdx.c
static struct page **fill_pages(int nr)
{
	struct page **pages = kcalloc(nr, sizeof(*pages), GFP_KERNEL_ACCOUNT);

	if (pages && alloc_pages_bulk(GFP_KERNEL, nr, pages) == nr)	// expect: tdx-allocation-not-accounted
		return pages;
	kfree(pages);
	return NULL;
}

int vcpu_pages(struct kvm_vcpu *vcpu, int nr)
{
	struct vcpu_tdx *tdx = to_tdx(vcpu);

	tdx->vp.tdcx_pages = fill_pages(nr);
	return tdx->vp.tdcx_pages ? 0 : -ENOMEM;
}
