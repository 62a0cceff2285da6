// path: arch/x86/kvm/vmx/tdx.c
// The first run takes the flag; where that was busy, the second finds it clear and does nothing.
static u64 td_track_if_pending(struct kvm_tdx *kvm_tdx)
{
	if (!xchg(&kvm_tdx->pending, 0))	// expect: tdx-retried-call-not-idempotent
		return 0;

	return tdh_mem_track(&kvm_tdx->td);
}

static u64 td_track_by_bit(struct kvm_tdx *kvm_tdx)
{
	if (!test_and_clear_bit(TD_PENDING, &kvm_tdx->flags))	// expect: tdx-retried-call-not-idempotent
		return 0;

	return tdh_mem_track(&kvm_tdx->td);
}

int td_track(struct kvm *kvm, struct kvm_tdx *kvm_tdx)
{
	u64 err = tdh_do_no_vcpus(td_track_if_pending, kvm, kvm_tdx);

	if (!err)
		err = tdh_do_no_vcpus(td_track_by_bit, kvm, kvm_tdx);
	return err ? -EIO : 0;
}
