// path: arch/x86/kvm/vmx/tdx.c
static void tdx_mark(struct tdx_page *page)
{
	if (!page)
		return;
	page->marked = true;
}

void tdx_use(struct kvm *kvm, struct tdx_page *page)
{
	KVM_BUG_ON(!page, kvm);
	tdx_mark(page);
}
