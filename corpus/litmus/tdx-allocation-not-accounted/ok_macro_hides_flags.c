// litmus: a macro whose flags charge
// path: arch/x86/kvm/vmx/tdx.c
#define TD_PAGE_FLAGS	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

static int td_root_page(struct kvm *kvm)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);

	kvm_tdx->td.tdr_page = alloc_page(TD_PAGE_FLAGS);
	return kvm_tdx->td.tdr_page ? 0 : -ENOMEM;
}
