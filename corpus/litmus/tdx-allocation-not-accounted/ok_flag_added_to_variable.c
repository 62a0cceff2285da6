// litmus: the flag is added before the allocation
// path: arch/x86/kvm/vmx/tdx.c
static int td_vcpu_page(struct kvm_vcpu *vcpu, bool atomic)
{
	gfp_t gfp = GFP_KERNEL;

	gfp |= __GFP_ACCOUNT | __GFP_ZERO;
	to_tdx(vcpu)->vp.tdvpr_page = alloc_page(gfp);
	return to_tdx(vcpu)->vp.tdvpr_page ? 0 : -ENOMEM;
}
