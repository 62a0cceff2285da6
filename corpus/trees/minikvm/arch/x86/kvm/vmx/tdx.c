// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TDX guests.  Private memory is mapped by the S-EPT, which only the module can
 * write; the mirror tables of the TDP MMU say what it ought to hold.
 */
#include <linux/kvm_host.h>
#include <asm/tdx.h>

#include "../mmu.h"
#include "../mmu/tdp_mmu.h"
#include "tdx.h"
#include "x86_ops.h"

#define TDX_SHARED_GFN_BIT	BIT_ULL(47 - PAGE_SHIFT)

/* Report a failed SEAMCALL and bug the VM, if there is still one to bug. */
#define __TDX_BUG_ON(__err, __fn, __kvm, __fmt, __args...)			\
({										\
	struct kvm *_kvm = (__kvm);						\
	bool _failed = !!(__err);						\
										\
	if (WARN_ON_ONCE(_failed && (!_kvm || !_kvm->vm_bugged))) {		\
		if (_kvm)							\
			kvm_vm_bugged(_kvm);					\
		pr_err_ratelimited(#__fn " failed: 0x%llx" __fmt "\n",		\
				   (u64)(__err), ##__args);			\
	}									\
	unlikely(_failed);							\
})

#define TDX_BUG_ON(err, fn, kvm)		__TDX_BUG_ON(err, fn, kvm, "")
#define TDX_BUG_ON_2(err, fn, a, b, kvm) \
	__TDX_BUG_ON(err, fn, kvm, ", entry 0x%llx, state 0x%llx", a, b)
#define TDX_BUG_ON_3(err, fn, a, b, c, kvm) \
	__TDX_BUG_ON(err, fn, kvm, ", rcx 0x%llx, rdx 0x%llx, r8 0x%llx", a, b, c)

/*
 * Take something out of the S-EPT.  mmu_lock is held for write, so the only one
 * who can be in the way is a vCPU that runs; when the module says busy, throw all
 * vCPUs out, keep them out, and ask once more.
 */
#define tdh_do_no_vcpus(tdh_func, kvm, args...)					\
({										\
	struct kvm_tdx *_kvm_tdx = to_kvm_tdx(kvm);				\
	u64 _err;								\
										\
	lockdep_assert_held_write(&(kvm)->mmu_lock);				\
										\
	_err = tdh_func(args);							\
	if (unlikely(tdx_operand_busy(_err))) {					\
		WRITE_ONCE(_kvm_tdx->wait_for_sept_zap, true);			\
		kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);	\
		_err = tdh_func(args);						\
		WRITE_ONCE(_kvm_tdx->wait_for_sept_zap, false);			\
	}									\
	_err;									\
})

/* Control pages and S-EPT pages: allocated by KVM, lent to the module. */
static int __tdx_reclaim_page(struct page *page)
{
	u64 err, pt, owner, size;

	err = tdh_phymem_page_reclaim(page, &pt, &owner, &size);
	if (TDX_BUG_ON_3(err, TDH_PHYMEM_PAGE_RECLAIM, pt, owner, size, NULL))
		return -EIO;

	return 0;
}

static int tdx_reclaim_page(struct page *page)
{
	int r = __tdx_reclaim_page(page);

	if (!r)
		tdx_quirk_reset_paddr(page_to_phys(page), PAGE_SIZE);

	return r;
}

static void tdx_reclaim_control_page(struct page *ctrl_page)
{
	/* What the module does not give back is lost; touching it is worse. */
	if (tdx_reclaim_page(ctrl_page))
		return;

	__free_page(ctrl_page);
}

static void tdx_hkid_free(struct kvm_tdx *kvm_tdx)
{
	tdx_guest_keyid_free(kvm_tdx->hkid);
	kvm_tdx->hkid = -1;
}

/* From here on no private page can be mapped, and none can be removed. */
void tdx_mmu_release_hkid(struct kvm *kvm)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
	u64 err;

	if (!is_hkid_assigned(kvm_tdx))
		return;

	err = tdh_mng_key_freeid(&kvm_tdx->td);
	if (TDX_BUG_ON(err, TDH_MNG_KEY_FREEID, kvm))
		pr_err("HKID %d is lost\n", kvm_tdx->hkid);
	else
		tdx_hkid_free(kvm_tdx);
}

static void tdx_reclaim_td_control_pages(struct kvm_tdx *kvm_tdx)
{
	struct tdx_td *td = &kvm_tdx->td;
	u64 err;
	int i;

	/* A key that is still in use means that the pages are, too. */
	if (is_hkid_assigned(kvm_tdx))
		return;

	for (i = 0; td->tdcs_pages && i < td->tdcs_nr_pages; i++) {
		if (td->tdcs_pages[i])
			tdx_reclaim_control_page(td->tdcs_pages[i]);
	}
	kfree(td->tdcs_pages);
	td->tdcs_pages = NULL;

	if (!td->tdr_page || __tdx_reclaim_page(td->tdr_page))
		return;

	err = tdh_phymem_page_wbinvd_tdr(td);
	if (TDX_BUG_ON(err, TDH_PHYMEM_PAGE_WBINVD, NULL))
		return;

	tdx_quirk_reset_paddr(page_to_phys(td->tdr_page), PAGE_SIZE);
	__free_page(td->tdr_page);
	td->tdr_page = NULL;
}

void tdx_vm_destroy(struct kvm *kvm)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);

	tdx_reclaim_td_control_pages(kvm_tdx);
	tdx_pamt_cache_free(&kvm_tdx->pamt_cache);
	kvm_tdx->state = TD_STATE_UNINITIALIZED;
}

int tdx_vm_init(struct kvm *kvm)
{
	const struct tdx_sys_info *sysinfo = tdx_get_sysinfo();
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
	struct tdx_td *td = &kvm_tdx->td;
	int i, ret;
	u64 err;

	kvm->arch.has_private_mem = true;
	kvm->arch.gfn_direct_bits = TDX_SHARED_GFN_BIT;
	spin_lock_init(&kvm_tdx->pamt_cache.lock);

	kvm_tdx->hkid = tdx_guest_keyid_alloc();
	if (kvm_tdx->hkid < 0)
		return kvm_tdx->hkid;

	ret = -ENOMEM;
	td->tdr_page = alloc_page(GFP_KERNEL_ACCOUNT);
	if (!td->tdr_page)
		goto free_hkid;

	td->tdcs_nr_pages = sysinfo->tdcs_nr_pages;
	td->tdcs_pages = kcalloc(td->tdcs_nr_pages, sizeof(*td->tdcs_pages), GFP_KERNEL_ACCOUNT);
	if (!td->tdcs_pages)
		goto free_tdr;

	for (i = 0; i < td->tdcs_nr_pages; i++) {
		td->tdcs_pages[i] = alloc_page(GFP_KERNEL_ACCOUNT);
		if (!td->tdcs_pages[i])
			goto free_tdcs;
	}

	ret = -EIO;
	err = tdh_mng_create(td, kvm_tdx->hkid);
	if (TDX_BUG_ON(err, TDH_MNG_CREATE, kvm))
		goto free_tdcs;

	for (i = 0; i < td->tdcs_nr_pages; i++) {
		err = tdh_mng_addcx(td, td->tdcs_pages[i]);
		if (TDX_BUG_ON(err, TDH_MNG_ADDCX, kvm))
			goto teardown;
	}

	kvm_tdx->state = TD_STATE_INITIALIZED;
	return 0;

teardown:
	/* Pages from @i on never reached the module; the others are its own. */
	for (; i < td->tdcs_nr_pages; i++) {
		__free_page(td->tdcs_pages[i]);
		td->tdcs_pages[i] = NULL;
	}
	tdx_mmu_release_hkid(kvm);
	tdx_reclaim_td_control_pages(kvm_tdx);
	return ret;

free_tdcs:
	for (i = 0; i < td->tdcs_nr_pages; i++) {
		if (td->tdcs_pages[i])
			__free_page(td->tdcs_pages[i]);
	}
	kfree(td->tdcs_pages);
	td->tdcs_pages = NULL;
free_tdr:
	__free_page(td->tdr_page);
	td->tdr_page = NULL;
free_hkid:
	tdx_hkid_free(kvm_tdx);
	return ret;
}

int tdx_vcpu_create(struct kvm_vcpu *vcpu)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(vcpu->kvm);

	if (kvm_tdx->state == TD_STATE_UNINITIALIZED)
		return -EIO;

	vcpu->cpu = -1;
	return 0;
}

void tdx_vcpu_free(struct kvm_vcpu *vcpu)
{
	struct tdx_vp *vp = &to_tdx(vcpu)->vp;

	if (!vp->tdvpr_page || KVM_BUG_ON(is_hkid_assigned(to_kvm_tdx(vcpu->kvm)), vcpu->kvm))
		return;

	tdx_reclaim_control_page(vp->tdvpr_page);
	vp->tdvpr_page = NULL;
}

static int tdx_td_vcpu_init(struct kvm_vcpu *vcpu, u64 vcpu_rcx)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(vcpu->kvm);
	struct tdx_vp *vp = &to_tdx(vcpu)->vp;
	u64 err;

	vp->tdvpr_page = alloc_page(GFP_KERNEL_ACCOUNT);
	if (!vp->tdvpr_page)
		return -ENOMEM;

	err = tdh_vp_create(&kvm_tdx->td, vp);
	if (TDX_BUG_ON(err, TDH_VP_CREATE, vcpu->kvm)) {
		__free_page(vp->tdvpr_page);
		vp->tdvpr_page = NULL;
		return -EIO;
	}

	/* VP.INIT owns the TDR for a moment; zaps must not find it busy. */
	scoped_guard(write_lock, &vcpu->kvm->mmu_lock)
		err = tdh_vp_init(vp, vcpu_rcx, vcpu->vcpu_id);

	return TDX_BUG_ON(err, TDH_VP_INIT, vcpu->kvm) ? -EIO : 0;
}

static int tdx_mem_page_add(struct kvm *kvm, gfn_t gfn, enum pg_level level, kvm_pfn_t pfn)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
	u64 err, entry, level_state;

	lockdep_assert_held(&kvm->slots_lock);

	if (KVM_BUG_ON(level != PG_LEVEL_4K || !kvm_tdx->page_add_src, kvm))
		return -EIO;

	err = tdh_mem_page_add(&kvm_tdx->td, gfn_to_gpa(gfn), pfn, kvm_tdx->page_add_src,
			       &entry, &level_state);
	if (unlikely(tdx_operand_busy(err)))
		return -EBUSY;

	return TDX_BUG_ON_2(err, TDH_MEM_PAGE_ADD, entry, level_state, kvm) ? -EIO : 0;
}

static int tdx_mem_page_aug(struct kvm *kvm, gfn_t gfn, enum pg_level level, kvm_pfn_t pfn)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
	u64 err, entry, level_state;

	err = tdh_mem_page_aug(&kvm_tdx->td, gfn_to_gpa(gfn), level, pfn, &entry, &level_state);
	if (unlikely(tdx_operand_busy(err)))
		return -EBUSY;

	return TDX_BUG_ON_2(err, TDH_MEM_PAGE_AUG, entry, level_state, kvm) ? -EIO : 0;
}

/* The S-EPT page that goes with the mirror table which @new_spte points to. */
static struct page *tdx_spte_to_sept_pt(struct kvm *kvm, gfn_t gfn, u64 new_spte,
					enum pg_level level)
{
	struct kvm_mmu_page *sp = spte_to_child_sp(new_spte);

	if (KVM_BUG_ON(!sp->external_spt || sp->gfn != gfn, kvm) ||
	    KVM_BUG_ON(sp->role.level + 1 != level, kvm))
		return NULL;

	return virt_to_page(sp->external_spt);
}

/* A fault whose pairs others have taken comes again with new ones. */
static int tdx_pamt_get_for_map(struct kvm *kvm, kvm_pfn_t pfn)
{
	int ret = tdx_pamt_get(pfn, &to_kvm_tdx(kvm)->pamt_cache);

	if (ret == -ENOMEM)
		return -EBUSY;

	return KVM_BUG_ON(ret, kvm) ? -EIO : 0;
}

static int tdx_sept_map_nonleaf_spte(struct kvm *kvm, gfn_t gfn, enum pg_level level,
				     u64 new_spte)
{
	struct page *sept_pt = tdx_spte_to_sept_pt(kvm, gfn, new_spte, level);
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
	u64 err, entry, level_state;
	kvm_pfn_t sept_pfn;
	int ret;

	if (!sept_pt)
		return -EIO;

	sept_pfn = page_to_pfn(sept_pt);
	ret = tdx_pamt_get_for_map(kvm, sept_pfn);
	if (ret)
		return ret;

	err = tdh_mem_sept_add(&kvm_tdx->td, gfn_to_gpa(gfn), level, sept_pt,
			       &entry, &level_state);
	if (!err)
		return 0;

	tdx_pamt_put(sept_pfn);
	if (unlikely(tdx_operand_busy(err)))
		return -EBUSY;

	TDX_BUG_ON_2(err, TDH_MEM_SEPT_ADD, entry, level_state, kvm);
	return -EIO;
}

static int tdx_sept_map_leaf_spte(struct kvm *kvm, gfn_t gfn, enum pg_level level, u64 new_spte)
{
	kvm_pfn_t pfn = spte_to_pfn(new_spte);

	if (KVM_BUG_ON(level > PG_LEVEL_2M, kvm))
		return -EIO;

	/* Pairs with the write barrier in tdx_td_finalize(). */
	smp_rmb();

	switch (to_kvm_tdx(kvm)->state) {
	case TD_STATE_RUNNABLE:
		return tdx_mem_page_aug(kvm, gfn, level, pfn);
	case TD_STATE_INITIALIZED:
		return tdx_mem_page_add(kvm, gfn, level, pfn);
	default:
		KVM_BUG_ON(1, kvm);
		return -EIO;
	}
}

/* A small page has to be known to the module before it is mapped; a huge one is. */
static int tdx_sept_map_page(struct kvm *kvm, gfn_t gfn, enum pg_level level, u64 new_spte)
{
	kvm_pfn_t pfn = spte_to_pfn(new_spte);
	int ret;

	if (level == PG_LEVEL_4K) {
		ret = tdx_pamt_get_for_map(kvm, pfn);
		if (ret)
			return ret;
	}

	ret = tdx_sept_map_leaf_spte(kvm, gfn, level, new_spte);
	if (ret && level == PG_LEVEL_4K)
		tdx_pamt_put(pfn);

	return ret;
}

/*
 * Open a new TLB epoch and push every vCPU out of the old one.  The two belong
 * together: TRACK fails while somebody is still in the epoch before the last.
 */
static void tdx_track(struct kvm *kvm)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
	u64 err;

	/* No vCPU has run yet, so there is nothing to get rid of. */
	if (unlikely(kvm_tdx->state != TD_STATE_RUNNABLE))
		return;

	lockdep_assert_held_write(&kvm->mmu_lock);
	err = tdh_do_no_vcpus(tdh_mem_track, kvm, &kvm_tdx->td);
	TDX_BUG_ON(err, TDH_MEM_TRACK, kvm);

	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
}

/* Push the private lines of a mapping out of the caches, page by page. */
static int tdx_wbinvd_range(struct kvm *kvm, kvm_pfn_t pfn, unsigned long npages)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
	unsigned long i;
	u64 err;

	for (i = 0; i < npages; i++) {
		err = tdh_phymem_page_wbinvd_hkid(kvm_tdx->hkid, pfn + i);
		if (TDX_BUG_ON(err, TDH_PHYMEM_PAGE_WBINVD, kvm))
			return -EIO;
	}

	return 0;
}

static int tdx_sept_remove_leaf_spte(struct kvm *kvm, gfn_t gfn, enum pg_level level,
				     u64 old_spte)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
	u64 err, entry, level_state;
	gpa_t gpa = gfn_to_gpa(gfn);
	kvm_pfn_t pfn = spte_to_pfn(old_spte);

	lockdep_assert_held_write(&kvm->mmu_lock);

	/* Without a key nothing can be mapped, so nothing can be left over. */
	if (KVM_BUG_ON(!is_hkid_assigned(kvm_tdx), kvm))
		return -EIO;

	err = tdh_do_no_vcpus(tdh_mem_range_block, kvm, &kvm_tdx->td, gpa, level,
			      &entry, &level_state);
	if (TDX_BUG_ON_2(err, TDH_MEM_RANGE_BLOCK, entry, level_state, kvm))
		return -EIO;

	tdx_track(kvm);

	err = tdh_do_no_vcpus(tdh_mem_page_remove, kvm, &kvm_tdx->td, gpa, level,
			      &entry, &level_state);
	if (TDX_BUG_ON_2(err, TDH_MEM_PAGE_REMOVE, entry, level_state, kvm))
		return -EIO;

	if (tdx_wbinvd_range(kvm, pfn, KVM_PAGES_PER_HPAGE(level)))
		return -EIO;

	tdx_quirk_reset_paddr(PFN_PHYS(pfn), KVM_HPAGE_SIZE(level));
	return 0;
}

/*
 * Replace a huge leaf by a table of small ones.  The guest keeps what it accepted:
 * the module carries the state of the leaf over to all children.
 */
static int tdx_sept_split_leaf_spte(struct kvm *kvm, gfn_t gfn, enum pg_level level,
				    u64 new_spte)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
	gpa_t gpa = gfn_to_gpa(gfn);
	u64 err, entry, level_state;
	struct page *sept_pt;

	lockdep_assert_held_write(&kvm->mmu_lock);

	if (KVM_BUG_ON(!is_hkid_assigned(kvm_tdx) || level != PG_LEVEL_2M, kvm))
		return -EIO;

	sept_pt = tdx_spte_to_sept_pt(kvm, gfn, new_spte, level);
	if (!sept_pt)
		return -EIO;

	err = tdh_do_no_vcpus(tdh_mem_range_block, kvm, &kvm_tdx->td, gpa, level,
			      &entry, &level_state);
	if (TDX_BUG_ON_2(err, TDH_MEM_RANGE_BLOCK, entry, level_state, kvm))
		return -EIO;

	tdx_track(kvm);

	err = tdh_do_no_vcpus(tdh_mem_page_demote, kvm, &kvm_tdx->td, gpa, level, sept_pt,
			      &entry, &level_state);
	if (TDX_BUG_ON_2(err, TDH_MEM_PAGE_DEMOTE, entry, level_state, kvm))
		return -EIO;

	return 0;
}

/*
 * Two pairs are due: one for the S-EPT page, one for what becomes small.  DEMOTE finds
 * the second in the TD, however often it is tried, and nobody can have emptied the
 * cache since the TDP MMU looked.
 */
static int tdx_sept_split_page(struct kvm *kvm, gfn_t gfn, enum pg_level level, u64 old_spte,
			       u64 new_spte)
{
	struct page *sept_pt = tdx_spte_to_sept_pt(kvm, gfn, new_spte, level);
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
	kvm_pfn_t sept_pfn;
	int ret;

	lockdep_assert_held_write(&kvm->mmu_lock);

	if (!sept_pt)
		return -EIO;

	sept_pfn = page_to_pfn(sept_pt);
	ret = tdx_pamt_get(sept_pfn, &kvm_tdx->pamt_cache);
	if (KVM_BUG_ON(ret, kvm))
		return ret;

	ret = tdx_pamt_take(&kvm_tdx->pamt_cache, &kvm_tdx->td.demote_pamt);
	if (KVM_BUG_ON(ret, kvm))
		goto out_put;

	ret = tdx_sept_split_leaf_spte(kvm, gfn, level, new_spte);
	if (ret)
		goto out_give_back;

	tdx_pamt_get_all(spte_to_pfn(old_spte));
	return 0;

out_give_back:
	tdx_pamt_give_back(&kvm_tdx->pamt_cache, &kvm_tdx->td.demote_pamt);
out_put:
	tdx_pamt_put(sept_pfn);
	return ret;
}

static int tdx_sept_unmap_page(struct kvm *kvm, gfn_t gfn, enum pg_level level, u64 old_spte)
{
	int ret = tdx_sept_remove_leaf_spte(kvm, gfn, level, old_spte);

	if (!ret && level == PG_LEVEL_4K)
		tdx_pamt_put(spte_to_pfn(old_spte));

	return ret;
}

/*
 * The one way from a mirror SPTE to the S-EPT.  Installing comes from the fault
 * path, with mmu_lock held for read, and may find the module busy; removing and
 * splitting need mmu_lock held for write and must not fail.
 */
static int tdx_sept_set_private_spte(struct kvm *kvm, gfn_t gfn, u64 old_spte,
				     u64 new_spte, enum pg_level level)
{
	lockdep_assert_held(&kvm->mmu_lock);

	if (is_shadow_present_pte(old_spte)) {
		if (!is_shadow_present_pte(new_spte))
			return tdx_sept_unmap_page(kvm, gfn, level, old_spte);

		if (KVM_BUG_ON(is_last_spte(new_spte, level), kvm))
			return -EIO;

		return tdx_sept_split_page(kvm, gfn, level, old_spte, new_spte);
	}

	if (KVM_BUG_ON(!is_shadow_present_pte(new_spte), kvm))
		return -EIO;

	return is_last_spte(new_spte, level) ?
	       tdx_sept_map_page(kvm, gfn, level, new_spte) :
	       tdx_sept_map_nonleaf_spte(kvm, gfn, level, new_spte);
}

/* The S-EPT page and the range: a split takes a pair for each. */
static bool tdx_need_pamt_cache(struct kvm *kvm)
{
	return to_kvm_tdx(kvm)->pamt_cache.nr_pairs < TDX_SPLIT_PAIRS;
}

/* Enough for a fault that finds no table at all, which is more than a split takes. */
static int tdx_topup_pamt_cache(struct kvm *kvm)
{
	return tdx_pamt_cache_topup(&to_kvm_tdx(kvm)->pamt_cache, TDX_FAULT_PAIRS);
}

/* Mirror tables go away with the VM only, after the key was given back. */
static void tdx_sept_free_private_spt(struct kvm *kvm, struct kvm_mmu_page *sp)
{
	if (!KVM_BUG_ON(is_hkid_assigned(to_kvm_tdx(kvm)), kvm) &&
	    !tdx_reclaim_page(virt_to_page(sp->external_spt))) {
		tdx_pamt_put(page_to_pfn(virt_to_page(sp->external_spt)));
		free_page((unsigned long)sp->external_spt);
	}

	sp->external_spt = NULL;
}

int tdx_gmem_max_mapping_level(struct kvm *kvm, kvm_pfn_t pfn, bool is_private)
{
	if (!is_private)
		return 0;

	/* PAGE.ADD knows small pages only. */
	if (to_kvm_tdx(kvm)->state != TD_STATE_RUNNABLE)
		return PG_LEVEL_4K;

	/* What cannot be split again must not become huge. */
	return tdx_supports_demote_nointerrupt(tdx_get_sysinfo()) ? PG_LEVEL_2M : PG_LEVEL_4K;
}

void tdx_flush_tlb_all(struct kvm_vcpu *vcpu)
{
	/* The S-EPT is flushed by tracking; this is for the shared half. */
	vcpu->requests &= ~KVM_REQ_TLB_FLUSH;
}

static int tdx_handle_ept_violation(struct kvm_vcpu *vcpu)
{
	struct vcpu_tdx *tdx = to_tdx(vcpu);
	struct kvm *kvm = vcpu->kvm;
	enum pg_level level;
	gpa_t gpa = tdx->exit_gpa;
	u64 error_code = 0;
	int ret;

	if (kvm_is_addr_direct(kvm, gpa))
		return kvm_mmu_page_fault(vcpu, gpa, error_code);

	/* A guest that accepts 4K of a huge page gets 4K, now and ever after. */
	level = tdx_ext_qual_to_accept_level(tdx->ext_exit_qualification);
	if (level == PG_LEVEL_4K) {
		scoped_guard(write_lock, &kvm->mmu_lock) {
			ret = kvm_tdp_mmu_split_mirror_leaf(kvm, gpa_to_gfn(gpa));
			if (!ret)
				kvm_mmu_set_guest_inhibit(kvm, gpa_to_gfn(gpa));
		}
		if (ret)
			return ret;
	}

	/* Private pages are always writable in the S-EPT. */
	error_code = PFERR_PRIVATE_ACCESS | PFERR_WRITE_MASK;
	do {
		ret = kvm_mmu_page_fault(vcpu, gpa, error_code);
	} while (!ret && !kvm->vm_dead && !signal_pending(current));

	return ret < 0 ? ret : 1;
}

int tdx_handle_exit(struct kvm_vcpu *vcpu, fastpath_t fastpath)
{
	if (fastpath != EXIT_FASTPATH_NONE)
		return 1;

	/* Somebody takes pages out and needs the module to himself. */
	if (unlikely(READ_ONCE(to_kvm_tdx(vcpu->kvm)->wait_for_sept_zap)))
		return 1;

	return tdx_handle_ept_violation(vcpu);
}

struct tdx_gmem_post_populate_arg {
	struct kvm_vcpu *vcpu;
	u32 flags;
};

/* Add a page to what the guest's owner can ask the module to attest. */
static int tdx_measure_page(struct kvm *kvm, gpa_t gpa)
{
	const gpa_t end = gpa + PAGE_SIZE;
	u64 err, entry, level_state;

	for ( ; gpa < end; gpa += TDX_EXTENDMR_CHUNKSIZE) {
		err = tdh_mr_extend(&to_kvm_tdx(kvm)->td, gpa, &entry, &level_state);
		if (TDX_BUG_ON_2(err, TDH_MR_EXTEND, entry, level_state, kvm))
			return -EIO;
	}

	return 0;
}

static int tdx_gmem_post_populate(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn,
				  struct page *src_page, void *opaque)
{
	struct tdx_gmem_post_populate_arg *arg = opaque;
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
	int ret;

	if (KVM_BUG_ON(kvm_tdx->page_add_src != NULL, kvm))
		return -EIO;

	/* tdx_mem_page_add() is at the far end of the call, and finds it there. */
	kvm_tdx->page_add_src = src_page;
	ret = kvm_tdp_mmu_map_private_pfn(arg->vcpu, gfn, pfn);
	kvm_tdx->page_add_src = NULL;

	if (!ret && arg->flags & KVM_TDX_MEASURE_MEMORY_REGION)
		ret = tdx_measure_page(kvm, gfn_to_gpa(gfn));

	return ret;
}

static int tdx_vcpu_init_mem_region(struct kvm_vcpu *vcpu, struct kvm_tdx_cmd *cmd)
{
	struct tdx_gmem_post_populate_arg arg = { .vcpu = vcpu, .flags = cmd->flags };
	struct kvm_tdx_init_mem_region region;
	struct kvm *kvm = vcpu->kvm;
	long done;

	if (to_kvm_tdx(kvm)->state != TD_STATE_INITIALIZED)
		return -EINVAL;

	if (copy_from_user(&region, (void __user *)cmd->data, sizeof(region)))
		return -EFAULT;

	if (!PAGE_ALIGNED(region.source_addr) || !PAGE_ALIGNED(region.gpa) || !region.nr_pages)
		return -EINVAL;

	while (region.nr_pages) {
		if (signal_pending(current))
			return -EINTR;

		done = kvm_gmem_populate(kvm, gpa_to_gfn(region.gpa), region.source_addr, 1,
					 tdx_gmem_post_populate, &arg);
		if (done != 1)
			return done < 0 ? done : -EIO;

		region.source_addr += PAGE_SIZE;
		region.gpa += PAGE_SIZE;
		region.nr_pages--;
	}

	return 0;
}

static int tdx_td_finalize(struct kvm *kvm)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
	u64 err;

	if (kvm_tdx->state != TD_STATE_INITIALIZED)
		return -EINVAL;

	err = tdh_mr_finalize(&kvm_tdx->td);
	if (TDX_BUG_ON(err, TDH_MR_FINALIZE, kvm))
		return -EIO;

	kvm_tdx->state = TD_STATE_RUNNABLE;
	smp_wmb();
	kvm->arch.pre_fault_allowed = true;

	return 0;
}

int tdx_vcpu_ioctl(struct kvm_vcpu *vcpu, void __user *argp)
{
	struct kvm_tdx_cmd cmd;

	if (copy_from_user(&cmd, argp, sizeof(cmd)))
		return -EFAULT;

	guard(mutex)(&vcpu->kvm->slots_lock);

	switch (cmd.id) {
	case KVM_TDX_INIT_VCPU:
		return tdx_td_vcpu_init(vcpu, cmd.data);
	case KVM_TDX_INIT_MEM_REGION:
		return tdx_vcpu_init_mem_region(vcpu, &cmd);
	case KVM_TDX_FINALIZE_VM:
		return tdx_td_finalize(vcpu->kvm);
	}

	return -EINVAL;
}

int __init tdx_hardware_setup(void)
{
	if (!tdx_get_sysinfo()) {
		enable_tdx = false;
		return 0;
	}

	vt_x86_ops.set_external_spte = tdx_sept_set_private_spte;
	vt_x86_ops.free_external_spt = tdx_sept_free_private_spt;

	vt_x86_ops.need_external_cache = tdx_need_pamt_cache;
	vt_x86_ops.topup_external_cache = tdx_topup_pamt_cache;

	return 0;
}
