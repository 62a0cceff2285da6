// litmus: guest memory is a PFN in each wrapper; source, S-EPT and control pages are pages
// path: arch/x86/include/asm/tdx.h
u64 tdh_mng_addcx(struct tdx_td *td, struct page *tdcs_page);
u64 tdh_mem_page_add(struct tdx_td *td, u64 gpa, kvm_pfn_t pfn, struct page *source, u64 *e1, u64 *e2);
u64 tdh_mem_sept_add(struct tdx_td *td, u64 gpa, enum pg_level level, struct page *page, u64 *e1, u64 *e2);
u64 tdh_mem_page_demote(struct tdx_td *td, u64 gpa, enum pg_level level, struct page *new_sept_page, u64 *e1, u64 *e2);
u64 tdh_phymem_page_reclaim(struct page *page, u64 *tdx_pt, u64 *tdx_owner, u64 *tdx_size);
u64 tdh_phymem_page_wbinvd_tdr(struct tdx_td *td);
u64 tdh_phymem_page_wbinvd_hkid(u64 hkid, kvm_pfn_t pfn);
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_page_aug(struct tdx_td *td, u64 gpa, enum pg_level level,
		     kvm_pfn_t pfn, u64 *e1, u64 *e2)
{
	struct tdx_module_args in = {
		.rcx = gpa | pg_level_to_tdx_sept_level(level),
		.rdx = tdx_tdr_pa(td),
		.r8 = PFN_PHYS(pfn),
	};
	u64 ret;

	ret = seamcall_ret(TDH_MEM_PAGE_AUG, &in);
	*e1 = in.rcx;
	*e2 = in.rdx;
	return ret;
}
