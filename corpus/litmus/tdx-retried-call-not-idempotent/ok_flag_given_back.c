// path: arch/x86/kvm/vmx/tdx.c
// A run that fails gives the flag back, or the flag is cleared only after it worked.
static u64 td_track_if_pending(struct kvm_tdx *kvm_tdx)
{
	u64 err;

	if (!xchg(&kvm_tdx->pending, 0))
		return 0;

	err = tdh_mem_track(&kvm_tdx->td);
	if (err)
		WRITE_ONCE(kvm_tdx->pending, 1);
	return err;
}

static u64 td_track_by_bit(struct kvm_tdx *kvm_tdx)
{
	u64 err;

	if (!test_bit(TD_PENDING, &kvm_tdx->flags))
		return 0;

	err = tdh_mem_track(&kvm_tdx->td);
	if (!err)
		clear_bit(TD_PENDING, &kvm_tdx->flags);
	return err;
}

static u64 td_track_word(struct kvm_tdx *kvm_tdx)
{
	unsigned long old = xchg(&kvm_tdx->pages, 0);
	u64 err = tdh_mem_track(&kvm_tdx->td);

	if (err)
		kvm_tdx->pages = old;
	return err;
}

int td_track(struct kvm *kvm, struct kvm_tdx *kvm_tdx)
{
	u64 err = tdh_do_no_vcpus(td_track_if_pending, kvm, kvm_tdx);

	if (!err)
		err = tdh_do_no_vcpus(td_track_by_bit, kvm, kvm_tdx);
	if (!err)
		err = tdh_do_no_vcpus(td_track_word, kvm, kvm_tdx);
	return err ? -EIO : 0;
}
