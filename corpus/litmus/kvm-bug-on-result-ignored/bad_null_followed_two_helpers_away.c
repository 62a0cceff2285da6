// path: arch/x86/kvm/vmx/tdx.c
static void tdx_mark(struct tdx_page *page)
{
	page->marked = true;
}

static void tdx_prepare(struct tdx_page *page)
{
	tdx_mark(page);
}

void tdx_use(struct kvm *kvm, struct tdx_page *page)
{
	KVM_BUG_ON(!page, kvm);
	tdx_prepare(page);  // expect: kvm-bug-on-result-ignored "page is NULL"
}
