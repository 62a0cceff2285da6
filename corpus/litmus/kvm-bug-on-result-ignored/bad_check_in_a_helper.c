// The helper checks and returns to its caller, which goes on.
// path: arch/x86/kvm/vmx/tdx.c
static void tdx_check(struct kvm *kvm, struct tdx_page *page)
{
	KVM_BUG_ON(!page, kvm);
}

void tdx_use(struct kvm *kvm, struct tdx_page *page)
{
	tdx_check(kvm, page);
	page->marked = true;  // expect: kvm-bug-on-result-ignored "page is NULL"
}
