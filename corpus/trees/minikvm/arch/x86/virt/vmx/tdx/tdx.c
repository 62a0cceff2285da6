// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls into the TDX module.  A wrapper packs registers, makes the call and hands
 * the status back; it does not judge what its caller asked for.
 */
#include <linux/kvm_types.h>
#include <asm/tdx.h>

#include "tdx.h"

#define TDX_ENTROPY_RETRIES	10

static struct tdx_sys_info tdx_sysinfo __ro_after_init;
static bool tdx_erratum_partial_write __ro_after_init;
static u16 tdx_global_keyid __ro_after_init;
static u32 tdx_guest_keyid_start __ro_after_init;
static u32 tdx_nr_guest_keyids __ro_after_init;
static u64 tdx_guest_keyid_map;

/* How many 4K pages of each 2M range the module has; under the lock around zero. */
static atomic_t *tdx_pamt_refcounts __ro_after_init;
static DEFINE_SPINLOCK(tdx_pamt_lock);

static inline u64 sc_retry(u64 (*call)(u64, struct tdx_module_args *), u64 leaf,
			   struct tdx_module_args *args)
{
	int tries = TDX_ENTROPY_RETRIES;
	u64 ret;

	do {
		ret = call(leaf, args);
	} while (ret == TDX_RND_NO_ENTROPY && --tries);

	return ret;
}

#define seamcall(leaf, args)		sc_retry(__seamcall, leaf, args)
#define seamcall_ret(leaf, args)	sc_retry(__seamcall_ret, leaf, args)

/* For leaves that explain themselves: the entry they met, and its level and state. */
static u64 seamcall_sept(u64 leaf, struct tdx_module_args *args, u64 *ext_err1, u64 *ext_err2)
{
	u64 ret = seamcall_ret(leaf, args);

	*ext_err1 = args->rcx;
	*ext_err2 = args->rdx;

	return ret;
}

const struct tdx_sys_info *tdx_get_sysinfo(void)
{
	return &tdx_sysinfo;
}

int tdx_guest_keyid_alloc(void)
{
	u32 i;

	for (i = 0; i < tdx_nr_guest_keyids; i++) {
		if (tdx_guest_keyid_map & BIT_ULL(i))
			continue;

		tdx_guest_keyid_map |= BIT_ULL(i);
		return tdx_guest_keyid_start + i;
	}

	return -EBUSY;
}

void tdx_guest_keyid_free(unsigned int keyid)
{
	tdx_guest_keyid_map &= ~BIT_ULL(keyid - tdx_guest_keyid_start);
}

/*
 * Parts with the partial-write erratum poison a line that the host writes by
 * halves after the module owned it; fill whole lines before the host reuses them.
 */
void tdx_quirk_reset_paddr(unsigned long base, unsigned long size)
{
	volatile u64 *word = __va(base);
	unsigned long n;

	if (!tdx_erratum_partial_write)
		return;

	for (n = 0; n < size / sizeof(*word); n++)
		word[n] = 0;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Only page pointers of KVM's own allocations get here. */
static void tdx_clflush_page(struct page *page)
{
	clflush_cache_range(__va(page_to_phys(page)), PAGE_SIZE);
}

static void tdx_clflush_pfn(kvm_pfn_t pfn, enum pg_level level)
{
	clflush_cache_range(__va(PFN_PHYS(pfn)), page_level_size(level));
}

static inline u64 tdx_tdr_pa(struct tdx_td *td)
{
	return page_to_phys(td->tdr_page);
}

static inline u64 tdx_tdvpr_pa(struct tdx_vp *vp)
{
	return page_to_phys(vp->tdvpr_page);
}

/* The module counts levels from zero.  Nothing outside of this file does. */
static inline u64 pg_level_to_tdx_sept_level(enum pg_level level)
{
	WARN_ON_ONCE(level == PG_LEVEL_NONE);

	return level - PG_LEVEL_4K;
}

/* A physical address with a KeyID in its upper bits. */
static inline u64 mk_keyed_paddr(u16 hkid, kvm_pfn_t pfn)
{
	return PFN_PHYS(pfn) | (u64)hkid << 46;
}

u64 tdh_mng_create(struct tdx_td *td, u16 hkid)
{
	struct tdx_module_args args = { .rcx = tdx_tdr_pa(td), .rdx = hkid };

	tdx_clflush_page(td->tdr_page);
	return seamcall(TDH_MNG_CREATE, &args);
}

u64 tdh_mng_addcx(struct tdx_td *td, struct page *tdcs_page)
{
	struct tdx_module_args args = {
		.rcx = page_to_phys(tdcs_page),
		.rdx = tdx_tdr_pa(td),
	};

	tdx_clflush_page(tdcs_page);
	return seamcall(TDH_MNG_ADDCX, &args);
}

u64 tdh_mng_key_freeid(struct tdx_td *td)
{
	struct tdx_module_args args = { .rcx = tdx_tdr_pa(td) };

	return seamcall(TDH_MNG_KEY_FREEID, &args);
}

u64 tdh_vp_create(struct tdx_td *td, struct tdx_vp *vp)
{
	struct tdx_module_args args = {
		.rcx = tdx_tdvpr_pa(vp),
		.rdx = tdx_tdr_pa(td),
	};

	tdx_clflush_page(vp->tdvpr_page);
	return seamcall(TDH_VP_CREATE, &args);
}

u64 tdh_vp_init(struct tdx_vp *vp, u64 initial_rcx, u32 x2apicid)
{
	struct tdx_module_args args = {
		.rcx = tdx_tdvpr_pa(vp),
		.rdx = initial_rcx,
		.r8 = x2apicid,
	};

	return seamcall(TDH_VP_INIT, &args);
}

u64 tdh_vp_flush(struct tdx_vp *vp)
{
	struct tdx_module_args args = { .rcx = tdx_tdvpr_pa(vp) };

	return seamcall(TDH_VP_FLUSH, &args);
}

u64 tdh_mr_extend(struct tdx_td *td, u64 gpa, u64 *ext_err1, u64 *ext_err2)
{
	struct tdx_module_args args = { .rcx = gpa, .rdx = tdx_tdr_pa(td) };

	return seamcall_sept(TDH_MR_EXTEND, &args, ext_err1, ext_err2);
}

u64 tdh_mr_finalize(struct tdx_td *td)
{
	struct tdx_module_args args = { .rcx = tdx_tdr_pa(td) };

	return seamcall(TDH_MR_FINALIZE, &args);
}

u64 tdh_mem_page_add(struct tdx_td *td, u64 gpa, kvm_pfn_t pfn, struct page *source,
		     u64 *ext_err1, u64 *ext_err2)
{
	struct tdx_module_args args = {
		.rdx = tdx_tdr_pa(td),
		.rcx = gpa,
		.r8 = PFN_PHYS(pfn),
		.r9 = page_to_phys(source),
	};

	tdx_clflush_pfn(pfn, PG_LEVEL_4K);
	return seamcall_sept(TDH_MEM_PAGE_ADD, &args, ext_err1, ext_err2);
}

u64 tdh_mem_page_aug(struct tdx_td *td, u64 gpa, enum pg_level level, kvm_pfn_t pfn,
		     u64 *ext_err1, u64 *ext_err2)
{
	struct tdx_module_args args = {
		.rdx = tdx_tdr_pa(td),
		.rcx = gpa | pg_level_to_tdx_sept_level(level),
		.r8 = PFN_PHYS(pfn),
	};

	tdx_clflush_pfn(pfn, level);
	return seamcall_sept(TDH_MEM_PAGE_AUG, &args, ext_err1, ext_err2);
}

u64 tdh_mem_sept_add(struct tdx_td *td, u64 gpa, enum pg_level level, struct page *sept_page,
		     u64 *ext_err1, u64 *ext_err2)
{
	struct tdx_module_args args = {
		.rdx = tdx_tdr_pa(td),
		.rcx = gpa | pg_level_to_tdx_sept_level(level),
		.r8 = page_to_phys(sept_page),
	};

	tdx_clflush_page(sept_page);
	return seamcall_sept(TDH_MEM_SEPT_ADD, &args, ext_err1, ext_err2);
}

u64 tdh_mem_range_block(struct tdx_td *td, u64 gpa, enum pg_level level,
			u64 *ext_err1, u64 *ext_err2)
{
	struct tdx_module_args args = {
		.rdx = tdx_tdr_pa(td),
		.rcx = gpa | pg_level_to_tdx_sept_level(level),
	};

	return seamcall_sept(TDH_MEM_RANGE_BLOCK, &args, ext_err1, ext_err2);
}

u64 tdh_mem_track(struct tdx_td *td)
{
	struct tdx_module_args args = { .rcx = tdx_tdr_pa(td) };

	return seamcall(TDH_MEM_TRACK, &args);
}

u64 tdh_mem_page_remove(struct tdx_td *td, u64 gpa, enum pg_level level,
			u64 *ext_err1, u64 *ext_err2)
{
	struct tdx_module_args args = {
		.rdx = tdx_tdr_pa(td),
		.rcx = gpa | pg_level_to_tdx_sept_level(level),
	};

	return seamcall_sept(TDH_MEM_PAGE_REMOVE, &args, ext_err1, ext_err2);
}

u64 tdh_mem_page_demote(struct tdx_td *td, u64 gpa, enum pg_level level,
			struct page *sept_page, u64 *ext_err1, u64 *ext_err2)
{
	struct tdx_module_args args = {
		.rdx = tdx_tdr_pa(td),
		.rcx = gpa | pg_level_to_tdx_sept_level(level),
		.r8 = page_to_phys(sept_page),
		.r12 = page_to_phys(td->demote_pamt.page[0]),
		.r13 = page_to_phys(td->demote_pamt.page[1]),
	};

	*ext_err1 = 0;
	*ext_err2 = 0;

	/* A 4K leaf has nothing below it; be loud, the caller is broken. */
	if (WARN_ON_ONCE(level <= PG_LEVEL_4K))
		return TDX_SW_ERROR;

	tdx_clflush_page(sept_page);
	return seamcall_sept(TDH_MEM_PAGE_DEMOTE, &args, ext_err1, ext_err2);
}

u64 tdh_phymem_page_wbinvd_hkid(u64 hkid, kvm_pfn_t pfn)
{
	struct tdx_module_args args = { .rcx = mk_keyed_paddr(hkid, pfn) };

	return seamcall(TDH_PHYMEM_PAGE_WBINVD, &args);
}

/* The TDR itself is under the module's own key, not under that of the TD. */
u64 tdh_phymem_page_wbinvd_tdr(struct tdx_td *td)
{
	struct tdx_module_args args = {
		.rcx = mk_keyed_paddr(tdx_global_keyid, page_to_pfn(td->tdr_page)),
	};

	return seamcall(TDH_PHYMEM_PAGE_WBINVD, &args);
}

u64 tdh_phymem_page_reclaim(struct page *page, u64 *tdx_pt, u64 *tdx_owner, u64 *tdx_size)
{
	struct tdx_module_args args = { .rcx = page_to_phys(page) };
	u64 ret = seamcall_ret(TDH_PHYMEM_PAGE_RECLAIM, &args);

	*tdx_pt = args.rcx;
	*tdx_owner = args.rdx;
	*tdx_size = args.r8;

	return ret;
}

static u64 tdh_phymem_pamt_add(kvm_pfn_t pfn, const struct tdx_pamt_pages *pages)
{
	struct tdx_module_args args = {
		.rcx = PFN_PHYS(pfn) | pg_level_to_tdx_sept_level(PG_LEVEL_2M),
		.r12 = page_to_phys(pages->page[0]),
		.r13 = page_to_phys(pages->page[1]),
	};

	return seamcall(TDH_PHYMEM_PAMT_ADD, &args);
}

static u64 tdh_phymem_pamt_remove(kvm_pfn_t pfn, struct tdx_pamt_pages *pages)
{
	struct tdx_module_args args = {
		.rcx = PFN_PHYS(pfn) | pg_level_to_tdx_sept_level(PG_LEVEL_2M),
	};
	u64 ret = seamcall_ret(TDH_PHYMEM_PAMT_REMOVE, &args);

	pages->page[0] = phys_to_page(args.r12);
	pages->page[1] = phys_to_page(args.r13);

	return ret;
}

static void tdx_pamt_free_pages(struct tdx_pamt_pages *pages)
{
	__free_page(pages->page[0]);
	__free_page(pages->page[1]);
}

/* May sleep.  What was allocated before memory ran out stays in the cache. */
int tdx_pamt_cache_topup(struct tdx_pamt_cache *cache, int pairs)
{
	struct tdx_pamt_pages pages;

	while (READ_ONCE(cache->nr_pairs) < pairs) {
		pages.page[0] = alloc_page(GFP_KERNEL_ACCOUNT);
		if (!pages.page[0])
			return -ENOMEM;

		pages.page[1] = alloc_page(GFP_KERNEL_ACCOUNT);
		if (!pages.page[1]) {
			__free_page(pages.page[0]);
			return -ENOMEM;
		}

		tdx_pamt_give_back(cache, &pages);
	}

	return 0;
}

void tdx_pamt_cache_free(struct tdx_pamt_cache *cache)
{
	struct tdx_pamt_pages pages;

	while (!tdx_pamt_take(cache, &pages))
		tdx_pamt_free_pages(&pages);
}

int tdx_pamt_take(struct tdx_pamt_cache *cache, struct tdx_pamt_pages *pages)
{
	guard(spinlock)(&cache->lock);

	if (!cache->nr_pairs)
		return -ENOMEM;

	*pages = cache->pair[--cache->nr_pairs];
	return 0;
}

void tdx_pamt_give_back(struct tdx_pamt_cache *cache, const struct tdx_pamt_pages *pages)
{
	scoped_guard(spinlock, &cache->lock) {
		if (cache->nr_pairs < TDX_PAMT_CACHE_PAIRS) {
			cache->pair[cache->nr_pairs++] = *pages;
			return;
		}
	}

	/* Several filled it at a time. */
	__free_page(pages->page[0]);
	__free_page(pages->page[1]);
}

static atomic_t *tdx_find_pamt_refcount(kvm_pfn_t pfn)
{
	return &tdx_pamt_refcounts[pfn >> PMD_ORDER];
}

/* For each 4K page, before the module is given it.  Nothing here sleeps. */
int tdx_pamt_get(kvm_pfn_t pfn, struct tdx_pamt_cache *cache)
{
	atomic_t *pamt_refcount = tdx_find_pamt_refcount(pfn);
	struct tdx_pamt_pages pages;
	bool spare = true;
	u64 err;

	if (atomic_inc_not_zero(pamt_refcount))
		return 0;

	if (tdx_pamt_take(cache, &pages))
		return -ENOMEM;

	scoped_guard(spinlock, &tdx_pamt_lock) {
		/* Somebody may have been first; his pages do for both. */
		if (!atomic_read(pamt_refcount)) {
			err = tdh_phymem_pamt_add(pfn, &pages);
			spare = err;
			if (WARN_ON_ONCE(err && !tdx_hpa_range_not_free(err)))
				goto out_spare;
		}
		atomic_inc(pamt_refcount);
	}

	if (spare)
		tdx_pamt_give_back(cache, &pages);
	return 0;

out_spare:
	tdx_pamt_give_back(cache, &pages);
	return -EIO;
}

/* For each 4K page, once the module has given it back or did not accept it. */
void tdx_pamt_put(kvm_pfn_t pfn)
{
	atomic_t *pamt_refcount = tdx_find_pamt_refcount(pfn);
	struct tdx_pamt_pages pages;

	/* Not the last one. */
	if (atomic_add_unless(pamt_refcount, -1, 1))
		return;

	scoped_guard(spinlock, &tdx_pamt_lock) {
		if (!atomic_dec_and_test(pamt_refcount))
			return;

		/* What the module keeps it has to be asked for again. */
		if (WARN_ON_ONCE(tdh_phymem_pamt_remove(pfn, &pages))) {
			atomic_inc(pamt_refcount);
			return;
		}
	}

	tdx_pamt_free_pages(&pages);
}

/* A huge page has become 512 small ones, and DEMOTE has brought their pair in. */
void tdx_pamt_get_all(kvm_pfn_t pfn)
{
	atomic_t *pamt_refcount = tdx_find_pamt_refcount(pfn);

	guard(spinlock)(&tdx_pamt_lock);
	WARN_ON_ONCE(atomic_read(pamt_refcount));
	atomic_set(pamt_refcount, PTRS_PER_PMD);
}

EXPORT_SYMBOL_FOR_KVM(tdx_get_sysinfo);
EXPORT_SYMBOL_FOR_KVM(tdx_guest_keyid_alloc);
EXPORT_SYMBOL_FOR_KVM(tdx_guest_keyid_free);
EXPORT_SYMBOL_FOR_KVM(tdx_quirk_reset_paddr);
EXPORT_SYMBOL_FOR_KVM(tdx_pamt_cache_topup);
EXPORT_SYMBOL_FOR_KVM(tdx_pamt_cache_free);
EXPORT_SYMBOL_FOR_KVM(tdx_pamt_take);
EXPORT_SYMBOL_FOR_KVM(tdx_pamt_give_back);
EXPORT_SYMBOL_FOR_KVM(tdx_pamt_get);
EXPORT_SYMBOL_FOR_KVM(tdx_pamt_put);
EXPORT_SYMBOL_FOR_KVM(tdx_pamt_get_all);
EXPORT_SYMBOL_FOR_KVM(tdh_mng_create);
EXPORT_SYMBOL_FOR_KVM(tdh_mng_addcx);
EXPORT_SYMBOL_FOR_KVM(tdh_mng_key_freeid);
EXPORT_SYMBOL_FOR_KVM(tdh_vp_create);
EXPORT_SYMBOL_FOR_KVM(tdh_vp_init);
EXPORT_SYMBOL_FOR_KVM(tdh_vp_flush);
EXPORT_SYMBOL_FOR_KVM(tdh_mr_extend);
EXPORT_SYMBOL_FOR_KVM(tdh_mr_finalize);
EXPORT_SYMBOL_FOR_KVM(tdh_mem_page_add);
EXPORT_SYMBOL_FOR_KVM(tdh_mem_page_aug);
EXPORT_SYMBOL_FOR_KVM(tdh_mem_sept_add);
EXPORT_SYMBOL_FOR_KVM(tdh_mem_range_block);
EXPORT_SYMBOL_FOR_KVM(tdh_mem_track);
EXPORT_SYMBOL_FOR_KVM(tdh_mem_page_remove);
EXPORT_SYMBOL_FOR_KVM(tdh_mem_page_demote);
EXPORT_SYMBOL_FOR_KVM(tdh_phymem_page_wbinvd_hkid);
EXPORT_SYMBOL_FOR_KVM(tdh_phymem_page_wbinvd_tdr);
EXPORT_SYMBOL_FOR_KVM(tdh_phymem_page_reclaim);
