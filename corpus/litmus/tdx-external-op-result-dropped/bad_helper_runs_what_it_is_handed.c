// litmus: a helper runs the operation that it is handed, and is void
// path: arch/x86/kvm/vmx/tdx.c
static int td_put_page(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn)
{
	u64 err, entry, state;

	err = tdh_mem_page_aug(&to_kvm_tdx(kvm)->td, gfn_to_gpa(gfn), PG_LEVEL_4K, pfn, &entry, &state);
	if (unlikely(tdx_operand_busy(err)))
		return -EBUSY;
	if (TDX_BUG_ON_2(err, TDH_MEM_PAGE_AUG, entry, state, kvm))
		return -EIO;
	return 0;
}

static void td_do(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, int (*how)(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn))
{
	how(kvm, gfn, pfn);	// expect: tdx-external-op-result-dropped
}

int td_map(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn)
{
	td_do(kvm, gfn, pfn, td_put_page);
	return 0;
}
