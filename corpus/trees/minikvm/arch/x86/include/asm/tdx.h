/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINIKVM_ASM_TDX_H
#define MINIKVM_ASM_TDX_H

#include <linux/kvm_types.h>
#include <asm/pgtable_types.h>

/* Status of a SEAMCALL: class and reason above, operand id in the low half. */
#define TDX_SUCCESS			0ULL
#define TDX_OPERAND_INVALID		0xC000010000000000ULL
#define TDX_OPERAND_BUSY		0x8000020000000000ULL
#define TDX_RND_NO_ENTROPY		0x8000020300000000ULL
#define TDX_SW_ERROR			0xFFFFFF0000000000ULL
#define TDX_HPA_RANGE_NOT_FREE		0xC000030400000000ULL
#define TDX_SEAMCALL_STATUS_MASK	0xFFFFFFFF00000000ULL

#define TDX_FEATURES0_DEMOTE_NOINTERRUPT	BIT_ULL(51)

struct tdx_module_args {
	u64 rcx, rdx, r8, r9, r10, r11, r12, r13;
};

struct tdx_sys_info {
	u64 tdx_features0;
	u16 tdcs_nr_pages;
	u16 tdcx_nr_pages;
};

/*
 * Dynamic PAMT: what the module has to know of the 4K pages of a 2M range is kept
 * in a pair of pages, which the host lends as long as one of them is in use.
 */
#define TDX_PAMT_PAGES		2
#define TDX_PAMT_CACHE_PAIRS	8

struct tdx_pamt_pages {
	struct page *page[TDX_PAMT_PAGES];
};

/* Pairs set aside for those who hold a lock and may not allocate. */
struct tdx_pamt_cache {
	spinlock_t lock;
	int nr_pairs;
	struct tdx_pamt_pages pair[TDX_PAMT_CACHE_PAIRS];
};

/* What the module keeps for a TD, in pages that the host donated. */
struct tdx_td {
	struct page *tdr_page;
	int tdcs_nr_pages;
	struct page **tdcs_pages;

	/* The pair that the next DEMOTE lends to the range it makes small. */
	struct tdx_pamt_pages demote_pamt;
};

/* The same for a vCPU. */
struct tdx_vp {
	struct page *tdvpr_page;
	int tdcx_nr_pages;
	struct page **tdcx_pages;
};

static inline bool tdx_hpa_range_not_free(u64 err)
{
	return (err & TDX_SEAMCALL_STATUS_MASK) == TDX_HPA_RANGE_NOT_FREE;
}

static inline bool tdx_operand_busy(u64 err)
{
	return (err & TDX_SEAMCALL_STATUS_MASK) == TDX_OPERAND_BUSY;
}

#ifdef CONFIG_INTEL_TDX_HOST
const struct tdx_sys_info *tdx_get_sysinfo(void);

/* Without it a pending interrupt may make DEMOTE give up half way. */
static inline bool tdx_supports_demote_nointerrupt(const struct tdx_sys_info *sysinfo)
{
	return sysinfo->tdx_features0 & TDX_FEATURES0_DEMOTE_NOINTERRUPT;
}

int tdx_guest_keyid_alloc(void);
void tdx_guest_keyid_free(unsigned int keyid);
void tdx_quirk_reset_paddr(unsigned long base, unsigned long size);

int tdx_pamt_cache_topup(struct tdx_pamt_cache *cache, int pairs);
void tdx_pamt_cache_free(struct tdx_pamt_cache *cache);
int tdx_pamt_take(struct tdx_pamt_cache *cache, struct tdx_pamt_pages *pages);
void tdx_pamt_give_back(struct tdx_pamt_cache *cache, const struct tdx_pamt_pages *pages);
int tdx_pamt_get(kvm_pfn_t pfn, struct tdx_pamt_cache *cache);
void tdx_pamt_put(kvm_pfn_t pfn);
void tdx_pamt_get_all(kvm_pfn_t pfn);

u64 tdh_mng_create(struct tdx_td *td, u16 hkid);
u64 tdh_mng_addcx(struct tdx_td *td, struct page *tdcs_page);
u64 tdh_mng_key_freeid(struct tdx_td *td);
u64 tdh_vp_create(struct tdx_td *td, struct tdx_vp *vp);
u64 tdh_vp_init(struct tdx_vp *vp, u64 initial_rcx, u32 x2apicid);
u64 tdh_vp_flush(struct tdx_vp *vp);
u64 tdh_mr_extend(struct tdx_td *td, u64 gpa, u64 *ext_err1, u64 *ext_err2);
u64 tdh_mr_finalize(struct tdx_td *td);

u64 tdh_mem_page_add(struct tdx_td *td, u64 gpa, kvm_pfn_t pfn, struct page *source,
		     u64 *ext_err1, u64 *ext_err2);
u64 tdh_mem_page_aug(struct tdx_td *td, u64 gpa, enum pg_level level, kvm_pfn_t pfn,
		     u64 *ext_err1, u64 *ext_err2);
u64 tdh_mem_sept_add(struct tdx_td *td, u64 gpa, enum pg_level level, struct page *sept_page,
		     u64 *ext_err1, u64 *ext_err2);
u64 tdh_mem_range_block(struct tdx_td *td, u64 gpa, enum pg_level level,
			u64 *ext_err1, u64 *ext_err2);
u64 tdh_mem_track(struct tdx_td *td);
u64 tdh_mem_page_remove(struct tdx_td *td, u64 gpa, enum pg_level level,
			u64 *ext_err1, u64 *ext_err2);
u64 tdh_mem_page_demote(struct tdx_td *td, u64 gpa, enum pg_level level,
			struct page *sept_page, u64 *ext_err1, u64 *ext_err2);

u64 tdh_phymem_page_wbinvd_hkid(u64 hkid, kvm_pfn_t pfn);
u64 tdh_phymem_page_wbinvd_tdr(struct tdx_td *td);
u64 tdh_phymem_page_reclaim(struct page *page, u64 *tdx_pt, u64 *tdx_owner, u64 *tdx_size);
#else
static inline const struct tdx_sys_info *tdx_get_sysinfo(void) { return NULL; }
#endif /* CONFIG_INTEL_TDX_HOST */

#endif /* MINIKVM_ASM_TDX_H */
