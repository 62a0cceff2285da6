// litmus: the level and the frame come in a struct
// path: arch/x86/kvm/vmx/tdx.c
struct leaf {
	gfn_t gfn;
	enum pg_level level;
	kvm_pfn_t pfn;
};

int td_put(struct kvm *kvm, struct leaf *leaf)
{
	u64 entry, state;
	u64 err = tdh_mem_page_note(&to_kvm_tdx(kvm)->td, gfn_to_gpa(leaf->gfn), leaf->level, &entry, &state);

	if (err)
		return -EIO;
	tdx_quirk_reset_paddr(PFN_PHYS(leaf->pfn), PAGE_SIZE);	// expect: tdx-level-ignored
	return 0;
}
int top(struct kvm *kvm, gfn_t gfn, enum pg_level level, kvm_pfn_t pfn)
{
	struct leaf leaf = { .gfn = gfn, .level = level, .pfn = pfn };
	return td_put(kvm, &leaf);
}
