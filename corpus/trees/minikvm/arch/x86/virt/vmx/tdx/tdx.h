/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINIKVM_VIRT_TDX_H
#define MINIKVM_VIRT_TDX_H

/* Leaf numbers of the module's host interface. */
enum tdx_seamcall_leaf {
	TDH_MNG_ADDCX			= 1,
	TDH_MEM_PAGE_ADD		= 2,
	TDH_MEM_SEPT_ADD		= 3,
	TDH_MEM_PAGE_AUG		= 6,
	TDH_MEM_RANGE_BLOCK		= 7,
	TDH_MNG_CREATE			= 9,
	TDH_VP_CREATE			= 10,
	TDH_MEM_PAGE_DEMOTE		= 15,
	TDH_MR_EXTEND			= 16,
	TDH_MR_FINALIZE			= 17,
	TDH_VP_FLUSH			= 18,
	TDH_MNG_KEY_FREEID		= 20,
	TDH_VP_INIT			= 22,
	TDH_PHYMEM_PAGE_RECLAIM		= 28,
	TDH_MEM_PAGE_REMOVE		= 29,
	TDH_MEM_TRACK			= 38,
	TDH_PHYMEM_PAGE_WBINVD		= 41,
};

#define TDH_PHYMEM_PAMT_ADD		58
#define TDH_PHYMEM_PAMT_REMOVE		59

u64 __seamcall(u64 leaf, struct tdx_module_args *args);
u64 __seamcall_ret(u64 leaf, struct tdx_module_args *args);

#endif /* MINIKVM_VIRT_TDX_H */
