// litmus: the return between BLOCK and DEMOTE bugs the VM first, through KVM_BUG_ON() and through a label
// path: arch/x86/kvm/vmx/tdx.c
int td_break_leaf(struct kvm *kvm, gfn_t gfn, struct kvm_mmu_page *sp)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	gpa_t gpa = gfn_to_gpa(gfn);
	u64 status, entry, state;

	guard(write_lock)(&kvm->mmu_lock);

	status = tdh_mem_range_block(&tdx->td, gpa, PG_LEVEL_2M, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
		return -EIO;

	if (KVM_BUG_ON(!sp->external_spt, kvm))
		return -EIO;

	status = tdh_mem_track(&tdx->td);
	if (unlikely(status))
		goto bug;
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);

	status = tdh_mem_page_demote(&tdx->td, gpa, PG_LEVEL_2M, virt_to_page(sp->external_spt), &entry, &state);
	if (unlikely(status))
		goto bug;
	return 0;

bug:
	kvm_vm_bugged(kvm);
	return -EIO;
}
