// litmus: both lock modes are used, but the operation is skipped in the shared one
// path: arch/x86/kvm/vmx/tdx.c
static void age_by_mode(struct kvm *kvm, bool shared)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status;

	if (shared)
		read_lock(&kvm->mmu_lock);
	else
		write_lock(&kvm->mmu_lock);

	note_scan(kvm);
	if (!shared) {
		status = tdh_mem_track(&tdx->td);
		TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
		kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
	}

	if (shared)
		read_unlock(&kvm->mmu_lock);
	else
		write_unlock(&kvm->mmu_lock);
}

void td_scan(struct kvm *kvm)
{
	age_by_mode(kvm, true);
}

void td_scan_and_flush(struct kvm *kvm)
{
	age_by_mode(kvm, false);
}
