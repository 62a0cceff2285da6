// litmus: a leaf is torn down by an ops table entry that the MMU calls with mmu_lock held for read
// path: arch/x86/kvm/vmx/tdx.c
static int forget_leaf(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, enum pg_level level)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	kvm_pfn_t pfn = spte_to_pfn(old_spte);
	gpa_t gpa = gfn_to_gpa(gfn);
	u64 status, entry, state;

	if (KVM_BUG_ON(level != PG_LEVEL_4K, kvm))
		return -EIO;

	status = tdh_mem_range_block(&tdx->td, gpa, level, &entry, &state);	// expect: tdx-sept-op-without-write-lock
	if (TDX_BUG_ON_2(status, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
		return -EIO;

	status = tdh_mem_track(&tdx->td);	// expect: tdx-sept-op-without-write-lock
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);

	status = tdh_mem_page_remove(&tdx->td, gpa, level, &entry, &state);	// expect: tdx-sept-op-without-write-lock
	if (TDX_BUG_ON_2(status, TDH_MEM_PAGE_REMOVE, entry, state, kvm))
		return -EIO;

	status = tdh_phymem_page_wbinvd_hkid((u16)tdx->hkid, pfn);
	if (TDX_BUG_ON(status, TDH_PHYMEM_PAGE_WBINVD, kvm))
		return -EIO;

	tdx_quirk_reset_paddr(PFN_PHYS(pfn), PAGE_SIZE);
	return 0;
}

void __init td_hardware_setup(void)
{
	vt_x86_ops.set_external_spte = forget_leaf;
}
// path: arch/x86/kvm/mmu/tdp_mmu.c
int drop_mirror_leaf(struct kvm *kvm, gfn_t gfn, u64 old_spte)
{
	int r;

	read_lock(&kvm->mmu_lock);
	r = kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, SHADOW_NONPRESENT_VALUE, PG_LEVEL_4K);
	KVM_BUG_ON(r, kvm);
	read_unlock(&kvm->mmu_lock);
	return r;
}
