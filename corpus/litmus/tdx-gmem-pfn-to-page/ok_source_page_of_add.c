// litmus: ADD gets the guest memory as a PFN and its source as a page, whose flags KVM may read
// path: arch/x86/kvm/vmx/tdx.c
static int add_page(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status, entry, state;

	if (WARN_ON_ONCE(PageHWPoison(tdx->page_add_src)))
		return -EHWPOISON;

	status = tdh_mem_page_add(&tdx->td, gfn_to_gpa(gfn), pfn, tdx->page_add_src, &entry, &state);
	if (unlikely(tdx_operand_busy(status)))
		return -EBUSY;
	if (TDX_BUG_ON_2(status, TDH_MEM_PAGE_ADD, entry, state, kvm))
		return -EIO;
	return 0;
}

int td_add_leaf(struct kvm *kvm, gfn_t gfn, u64 spte)
{
	int r;

	mutex_lock(&kvm->slots_lock);
	read_lock(&kvm->mmu_lock);
	r = add_page(kvm, gfn, spte_to_pfn(spte));
	read_unlock(&kvm->mmu_lock);
	mutex_unlock(&kvm->slots_lock);
	return r;
}
