// litmus: the operation is inside the scope that holds the lock, and one path leaves the scope early
// path: arch/x86/kvm/vmx/tdx.c
int td_retire(struct kvm *kvm, gfn_t gfn)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	int nr = 0;
	u64 status;

	scoped_guard(write_lock, &kvm->mmu_lock) {
		nr = count_leafs(kvm, gfn);
		if (!nr)
			return 0;

		status = tdh_mem_track(&tdx->td);
		TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
		kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
	}

	return nr;
}
