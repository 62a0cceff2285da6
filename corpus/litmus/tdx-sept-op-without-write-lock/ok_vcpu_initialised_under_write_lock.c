// path: arch/x86/kvm/vmx/tdx.c
static int tdx_start_vcpu(struct kvm_vcpu *vcpu, u64 rcx)
{
	u64 err;

	scoped_guard(write_lock, &vcpu->kvm->mmu_lock)
		err = tdh_vp_init(&to_tdx(vcpu)->vp, rcx, vcpu->vcpu_id);

	return TDX_BUG_ON(err, TDH_VP_INIT, vcpu->kvm) ? -EIO : 0;
}
