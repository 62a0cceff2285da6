// litmus: of four prototypes the two with an int level are wrong
// path: arch/x86/include/asm/tdx.h
u64 tdh_mem_page_remove(struct tdx_td *td, u64 gpa, enum pg_level level, u64 *e1, u64 *e2);
u64 tdh_mem_page_demote(struct tdx_td *td, u64 gpa, int level, struct page *sept_page, u64 *e1, u64 *e2);	// expect: tdx-level-units-mixed
u64 tdh_mem_sept_add(struct tdx_td *td, u64 gpa, int level,	// expect: tdx-level-units-mixed
		     struct page *page, u64 *e1, u64 *e2);
u64 tdh_vp_flush(struct tdx_vp *vp);
int tdx_guest_keyid_alloc(void);
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_vp_flush(struct tdx_vp *vp)
{
	struct tdx_module_args in = {
		.rcx = vp->tdvpr_pa,
	};

	return seamcall(TDH_VP_FLUSH, &in);
}
