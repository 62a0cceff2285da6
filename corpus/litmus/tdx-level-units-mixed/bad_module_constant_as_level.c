// litmus: the module's constant for 4K is passed where a pg_level is due
// path: arch/x86/kvm/vmx/tdx.c
static int install(struct kvm *kvm, gpa_t gpa, kvm_pfn_t pfn)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status, e1, e2;

	status = tdh_mem_page_aug(&tdx->td, gpa, TDX_PS_4K, pfn, &e1, &e2);	// expect: tdx-level-units-mixed
	if (unlikely(tdx_operand_busy(status)))
		return -EBUSY;
	return TDX_BUG_ON_2(status, TDH_MEM_PAGE_AUG, e1, e2, kvm) ? -EIO : 0;
}

int td_install_leaf(struct kvm *kvm, gfn_t gfn, u64 spte)
{
	int r;

	read_lock(&kvm->mmu_lock);
	r = install(kvm, gfn_to_gpa(gfn), spte_to_pfn(spte));
	read_unlock(&kvm->mmu_lock);
	return r;
}
