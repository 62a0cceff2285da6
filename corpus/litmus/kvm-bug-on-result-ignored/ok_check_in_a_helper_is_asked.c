// path: arch/x86/kvm/vmx/tdx.c
static bool tdx_bad(struct kvm *kvm, struct tdx_page *page)
{
	return KVM_BUG_ON(!page, kvm);
}

void tdx_use(struct kvm *kvm, struct tdx_page *page)
{
	if (tdx_bad(kvm, page))
		return;
	page->marked = true;
}
