// path: arch/x86/kvm/vmx/tdx.c
void tdx_use(struct kvm *kvm, struct tdx_page *page)
{
	if (KVM_BUG_ON(!page, kvm))
		return;
	page->level = PG_LEVEL_4K;
}
