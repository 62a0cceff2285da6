// path: arch/x86/kvm/vmx/tdx.c
// VP.INIT owns the TDR for a moment: a removal at the same time would find it busy.
static int tdx_start_vcpu(struct kvm_vcpu *vcpu, u64 rcx)
{
	u64 err;

	scoped_guard(read_lock, &vcpu->kvm->mmu_lock)
		err = tdh_vp_init(&to_tdx(vcpu)->vp, rcx, vcpu->vcpu_id);  // expect: tdx-sept-op-without-write-lock

	return TDX_BUG_ON(err, TDH_VP_INIT, vcpu->kvm) ? -EIO : 0;
}
