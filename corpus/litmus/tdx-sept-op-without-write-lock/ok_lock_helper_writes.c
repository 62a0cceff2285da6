// litmus: the lock hides in a helper, which takes the write side; another helper pair takes the read side
// path: arch/x86/kvm/vmx/tdx.c
static void td_enter_mmu(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
}

static void td_leave_mmu(struct kvm *kvm)
{
	write_unlock(&kvm->mmu_lock);
}

static void td_peek_mmu(struct kvm *kvm)
{
	read_lock(&kvm->mmu_lock);
	note_scan(kvm);
	read_unlock(&kvm->mmu_lock);
}

void td_flush_private(struct kvm *kvm)
{
	u64 status;

	td_peek_mmu(kvm);
	td_enter_mmu(kvm);
	status = tdh_mem_track(&to_kvm_tdx(kvm)->td);
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
	td_leave_mmu(kvm);
}
