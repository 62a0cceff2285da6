// litmus: a helper that resets one page refuses every other level for itself
// path: arch/x86/kvm/vmx/tdx.c
static int finish(struct kvm *kvm, gfn_t gfn, enum pg_level level, struct page *page)
{
	if (KVM_BUG_ON(level != PG_LEVEL_4K, kvm))
		return -EINVAL;
	tdx_quirk_reset_paddr(page_to_phys(page), PAGE_SIZE);
	return 0;
}

static int take_leaf(struct kvm *kvm, gfn_t gfn, enum pg_level level, kvm_pfn_t pfn)
{
	struct page *page = kvm_page_of(pfn);
	u64 entry, state;

	if (tdh_mem_page_put(&to_kvm_tdx(kvm)->td, gfn_to_gpa(gfn), level, pfn, &entry, &state))
		return -EIO;
	return finish(kvm, gfn, level, page);
}

void setup(void)
{
	vt_x86_ops.take_leaf = take_leaf;
}
