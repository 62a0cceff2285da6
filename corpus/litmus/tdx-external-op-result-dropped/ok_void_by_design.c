// litmus: bare calls of void operations: the track helper, which bugs the VM itself, and free_external_spt
// path: arch/x86/kvm/vmx/tdx.c
static void bump_epoch(struct kvm *kvm)
{
	u64 status;

	status = tdh_mem_track(&to_kvm_tdx(kvm)->td);
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
}

void td_flush_private(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	bump_epoch(kvm);
	write_unlock(&kvm->mmu_lock);
}
// path: arch/x86/kvm/mmu/tdp_mmu.c
void prune_mirror_table(struct kvm *kvm, struct kvm_mmu_page *sp)
{
	lockdep_assert_held_write(&kvm->mmu_lock);

	if (is_mirror_sp(sp))
		kvm_x86_call(free_external_spt)(kvm, sp);
	release_table(sp);
}

void prune_all(struct kvm *kvm, struct kvm_mmu_page *sp)
{
	write_lock(&kvm->mmu_lock);
	prune_mirror_table(kvm, sp);
	write_unlock(&kvm->mmu_lock);
}
