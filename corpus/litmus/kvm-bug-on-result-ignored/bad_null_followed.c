// path: arch/x86/kvm/vmx/tdx.c
void tdx_use(struct kvm *kvm, struct tdx_page *page)
{
	KVM_BUG_ON(!page, kvm);
	page->level = PG_LEVEL_4K;  // expect: kvm-bug-on-result-ignored "page is NULL"
}
