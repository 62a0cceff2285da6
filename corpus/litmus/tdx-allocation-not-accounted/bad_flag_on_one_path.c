// litmus: the flag is added on one path only
// path: arch/x86/kvm/vmx/tdx.c
static int td_vcpu_page(struct kvm_vcpu *vcpu, bool atomic)
{
	gfp_t gfp = GFP_KERNEL;

	if (!atomic)
		gfp |= __GFP_ACCOUNT;
	to_tdx(vcpu)->vp.tdvpr_page = alloc_page(gfp);	// expect: tdx-allocation-not-accounted
	return to_tdx(vcpu)->vp.tdvpr_page ? 0 : -ENOMEM;
}
