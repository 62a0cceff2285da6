// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The TDP MMU.  Page tables under a direct root are walked by hardware.  Those under
 * a mirror root are walked by nobody: they say what the external tables hold.
 */
#include "tdp_iter.h"
#include "tdp_mmu.h"

void kvm_mmu_init_tdp_mmu(struct kvm *kvm)
{
	INIT_LIST_HEAD(&kvm->arch.tdp_mmu_roots);
	spin_lock_init(&kvm->arch.tdp_mmu_pages_lock);
}

static void kvm_lockdep_assert_mmu_lock_held(struct kvm *kvm, bool shared)
{
	if (!shared) {
		lockdep_assert_held_write(&kvm->mmu_lock);
		return;
	}

	lockdep_assert_held_read(&kvm->mmu_lock);
}

static void __tdp_mmu_free_sp(struct kvm_mmu_page *sp)
{
	free_page((unsigned long)sp->spt);
	kfree(sp);
}

/* For a table that was never linked: its S-EPT page is still KVM's. */
static void tdp_mmu_free_unused_sp(struct kvm_mmu_page *sp)
{
	if (sp->external_spt)
		free_page((unsigned long)sp->external_spt);
	__tdp_mmu_free_sp(sp);
}

static void tdp_mmu_free_sp_rcu_callback(struct rcu_head *head)
{
	struct kvm_mmu_page *sp = container_of(head, struct kvm_mmu_page, rcu_head);

	/* The twin went back when the table was cut off. */
	if (!WARN_ON_ONCE(sp->external_spt))
		__tdp_mmu_free_sp(sp);
}

void kvm_tdp_mmu_put_root(struct kvm *kvm, struct kvm_mmu_page *root)
{
	if (!refcount_dec_and_test(&root->tdp_mmu_root_count))
		return;

	/* The MMU's own reference is dropped after invalidation only. */
	KVM_BUG_ON(!root->role.invalid, kvm);

	scoped_guard(spinlock, &kvm->arch.tdp_mmu_pages_lock)
		list_del_rcu(&root->link);

	call_rcu(&root->rcu_head, tdp_mmu_free_sp_rcu_callback);
}

static bool tdp_mmu_root_match(struct kvm_mmu_page *root, enum kvm_tdp_mmu_root_types types)
{
	if (root->role.invalid && !(types & KVM_INVALID_ROOTS))
		return false;

	return types & (is_mirror_sp(root) ? KVM_MIRROR_ROOTS : KVM_DIRECT_ROOTS);
}

/* Gives a reference to the next root and takes back the one to @prev. */
static struct kvm_mmu_page *tdp_mmu_next_root(struct kvm *kvm, struct kvm_mmu_page *prev,
					      enum kvm_tdp_mmu_root_types types)
{
	struct list_head *at = prev ? &prev->link : &kvm->arch.tdp_mmu_roots;
	struct kvm_mmu_page *root;

	lockdep_assert_held(&kvm->mmu_lock);

	rcu_read_lock();
	do {
		root = list_next_or_null_rcu(&kvm->arch.tdp_mmu_roots, at,
					     struct kvm_mmu_page, link);
		if (!root)
			break;
		at = &root->link;
	} while (!tdp_mmu_root_match(root, types) || !kvm_tdp_mmu_get_root(root));
	rcu_read_unlock();

	if (prev)
		kvm_tdp_mmu_put_root(kvm, prev);

	return root;
}

static bool tdp_mmu_root_in_as(const struct kvm_mmu_page *root, int as_id)
{
	return as_id < 0 || kvm_mmu_page_as_id(root) == as_id;
}

/*
 * The body may drop mmu_lock, for the root cannot go away.  Leaving the loop early
 * means putting the root.
 */
#define __for_each_tdp_mmu_root_yield_safe(_kvm, _root, _as_id, _types)		\
	for ((_root) = tdp_mmu_next_root(_kvm, NULL, _types); (_root) != NULL;	\
	     (_root) = tdp_mmu_next_root(_kvm, _root, _types))			\
		if (!tdp_mmu_root_in_as(_root, _as_id)) {			\
		} else

#define for_each_valid_tdp_mmu_root_yield_safe(_kvm, _root, _as) \
	__for_each_tdp_mmu_root_yield_safe(_kvm, _root, _as, KVM_VALID_ROOTS)

/* From the vCPU's caches: mmu_lock is held, so nothing here may sleep or fail. */
static struct kvm_mmu_page *tdp_mmu_alloc_sp(struct kvm_vcpu *vcpu, bool mirror)
{
	struct kvm_mmu_page *sp;

	sp = kvm_mmu_memory_cache_alloc(&vcpu->arch.mmu_page_header_cache);
	sp->spt = kvm_mmu_memory_cache_alloc(&vcpu->arch.mmu_shadow_page_cache);
	if (mirror)
		sp->external_spt = kvm_mmu_memory_cache_alloc(&vcpu->arch.mmu_external_spt_cache);

	return sp;
}

static void tdp_mmu_init_sp(struct kvm_mmu_page *sp, tdp_ptep_t sptep, gfn_t gfn,
			    union kvm_mmu_page_role role)
{
	sp->ptep = sptep;
	sp->gfn = gfn;
	sp->role = role;
	set_page_private(virt_to_page(sp->spt), (unsigned long)sp);
}

static void tdp_mmu_init_child_sp(struct kvm_mmu_page *sp, struct tdp_iter *iter)
{
	union kvm_mmu_page_role role = sptep_to_sp(rcu_dereference(iter->sptep))->role;

	role.level--;
	tdp_mmu_init_sp(sp, iter->sptep, iter->gfn, role);
}

void kvm_tdp_mmu_alloc_root(struct kvm_vcpu *vcpu, bool mirror)
{
	struct kvm_mmu *mmu = vcpu->arch.mmu;
	union kvm_mmu_page_role role = mmu->root_role;
	struct kvm_mmu_page *root, *fresh;
	struct kvm *kvm = vcpu->kvm;

	role.is_mirror = mirror;

	/* The module made the root of the S-EPT, so there is no page for it here. */
	fresh = tdp_mmu_alloc_sp(vcpu, false);
	tdp_mmu_init_sp(fresh, NULL, 0, role);

	read_lock(&kvm->mmu_lock);

	/* The vCPU keeps the reference that the iterator took. */
	for_each_valid_tdp_mmu_root_yield_safe(kvm, root, -1) {
		if (root->role.word == role.word)
			goto out;
	}

	scoped_guard(spinlock, &kvm->arch.tdp_mmu_pages_lock) {
		list_for_each_entry(root, &kvm->arch.tdp_mmu_roots, link) {
			if (root->role.word == role.word && kvm_tdp_mmu_get_root(root))
				goto out;
		}

		/* One reference for the vCPU, one for the MMU. */
		root = fresh;
		fresh = NULL;
		refcount_set(&root->tdp_mmu_root_count, 2);
		list_add_rcu(&root->link, &kvm->arch.tdp_mmu_roots);
	}

out:
	read_unlock(&kvm->mmu_lock);
	if (fresh)
		__tdp_mmu_free_sp(fresh);

	if (mirror)
		mmu->mirror_root_hpa = __pa(root->spt);
	else
		mmu->root.hpa = __pa(root->spt);
}

static void handle_changed_spte(struct kvm *kvm, struct kvm_mmu_page *sp, gfn_t gfn,
				u64 old_spte, u64 new_spte, int level, bool shared);

/* A table was cut off: empty it, give back its twin, free it after all walkers. */
static void handle_removed_pt(struct kvm *kvm, struct kvm_mmu_page *sp, bool shared)
{
	int level = sp->role.level;
	u64 old_spte;
	gfn_t gfn;
	int i;

	for (i = 0; i < SPTE_ENT_PER_PAGE; i++) {
		gfn = sp->gfn + i * KVM_PAGES_PER_HPAGE(level);

		if (shared) {
			/* Somebody else may have frozen it; wait until he is done. */
			while (is_frozen_spte(old_spte = kvm_tdp_mmu_write_spte_atomic(
							&sp->spt[i], FROZEN_SPTE)))
				cpu_relax();
		} else {
			old_spte = kvm_tdp_mmu_read_spte(&sp->spt[i]);
			if (!is_shadow_present_pte(old_spte))
				continue;
			__kvm_tdp_mmu_write_spte(&sp->spt[i], FROZEN_SPTE);
		}

		handle_changed_spte(kvm, sp, gfn, old_spte, FROZEN_SPTE, level, shared);
	}

	if (sp->external_spt)
		kvm_x86_call(free_external_spt)(kvm, sp);

	call_rcu(&sp->rcu_head, tdp_mmu_free_sp_rcu_callback);
}

enum spte_kind {
	SPTE_EMPTY,
	SPTE_TABLE,
	SPTE_LEAF,
};

static enum spte_kind tdp_spte_kind(u64 spte, int level)
{
	if (!is_shadow_present_pte(spte))
		return SPTE_EMPTY;

	return is_last_spte(spte, level) ? SPTE_LEAF : SPTE_TABLE;
}

/*
 * Everything that follows from an entry going from one value to another.  The
 * external table is told from here and from nowhere else.
 */
static int __must_check __handle_changed_spte(struct kvm *kvm, struct kvm_mmu_page *sp,
					      gfn_t gfn, u64 old_spte, u64 new_spte,
					      int level, bool shared)
{
	enum spte_kind was = tdp_spte_kind(old_spte, level);
	enum spte_kind is = tdp_spte_kind(new_spte, level);

	if (old_spte == new_spte || (was == SPTE_EMPTY && is == SPTE_EMPTY))
		return 0;

	switch (was) {
	case SPTE_TABLE:
		WARN_ON_ONCE(is == SPTE_TABLE);
		handle_removed_pt(kvm, spte_to_child_sp(old_spte), shared);
		return 0;
	case SPTE_LEAF:
		/* A leaf must pass through empty before it can map another frame. */
		if (is == SPTE_LEAF && spte_to_pfn(old_spte) != spte_to_pfn(new_spte)) {
			pr_err("gfn %llx: leaf %llx replaced by %llx\n", gfn, old_spte, new_spte);
			BUG();
		}
		fallthrough;
	case SPTE_EMPTY:
		break;
	}

	if (is_mirror_sp(sp))
		return kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level);

	return 0;
}

/* For callers that have no way back. */
static void handle_changed_spte(struct kvm *kvm, struct kvm_mmu_page *sp, gfn_t gfn,
				u64 old_spte, u64 new_spte, int level, bool shared)
{
	KVM_BUG_ON(__handle_changed_spte(kvm, sp, gfn, old_spte, new_spte, level, shared), kvm);
}

/* On failure iter->old_spte is what the entry holds now. */
static inline int __must_check __tdp_mmu_set_spte_atomic(struct tdp_iter *iter, u64 new_spte)
{
	WARN_ON_ONCE(iter->yielded || is_frozen_spte(iter->old_spte));

	return try_cmpxchg64(rcu_dereference(iter->sptep), &iter->old_spte, new_spte) ? 0 : -EBUSY;
}

/*
 * The way to change an entry while mmu_lock is held for read.  A mirror entry stays
 * frozen while the external one changes, and goes back if that fails.
 */
static int __must_check tdp_mmu_set_spte_atomic(struct kvm *kvm, struct tdp_iter *iter,
						u64 new_spte)
{
	struct kvm_mmu_page *sp = sptep_to_sp(rcu_dereference(iter->sptep));
	bool mirror = is_mirror_sp(sp);
	int ret;

	lockdep_assert_held_read(&kvm->mmu_lock);
	KVM_MMU_WARN_ON(is_frozen_spte(new_spte));

	ret = __tdp_mmu_set_spte_atomic(iter, mirror ? FROZEN_SPTE : new_spte);
	if (ret)
		return ret;

	ret = __handle_changed_spte(kvm, sp, iter->gfn, iter->old_spte, new_spte,
				    iter->level, true);
	if (mirror)
		__kvm_tdp_mmu_write_spte(iter->sptep, ret ? iter->old_spte : new_spte);
	else
		KVM_BUG_ON(ret, kvm);

	return ret;
}

/* The way to change an entry while mmu_lock is held for write; it cannot fail. */
static void tdp_mmu_set_spte(struct kvm *kvm, tdp_ptep_t sptep, u64 old_spte, u64 new_spte,
			     gfn_t gfn, int level)
{
	struct kvm_mmu_page *sp = sptep_to_sp(rcu_dereference(sptep));

	lockdep_assert_held_write(&kvm->mmu_lock);
	WARN_ON_ONCE(is_frozen_spte(old_spte) || is_frozen_spte(new_spte));

	__kvm_tdp_mmu_write_spte(sptep, new_spte);
	handle_changed_spte(kvm, sp, gfn, old_spte, new_spte, level, false);
}

static inline void tdp_mmu_iter_set_spte(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	WARN_ON_ONCE(iter->yielded);
	tdp_mmu_set_spte(kvm, iter->sptep, iter->old_spte, new_spte, iter->gfn, iter->level);
	iter->old_spte = new_spte;
}

/* True when the lock was let go; the caller then goes on to the next entry. */
static bool __must_check tdp_mmu_iter_cond_resched(struct kvm *kvm, struct tdp_iter *iter,
						   bool flush, bool shared)
{
	bool contended = need_resched() || rwlock_needbreak(&kvm->mmu_lock);

	/* Yielding twice at one place would never end. */
	if (!contended || iter->next_last_level_gfn == iter->yielded_gfn)
		return false;

	if (flush)
		kvm_flush_remote_tlbs(kvm);

	rcu_read_unlock();
	shared ? cond_resched_rwlock_read(&kvm->mmu_lock) :
		 cond_resched_rwlock_write(&kvm->mmu_lock);
	rcu_read_lock();

	iter->yielded = true;
	return true;
}

static bool tdp_iter_at_leaf(const struct tdp_iter *iter)
{
	return tdp_spte_kind(iter->old_spte, iter->level) == SPTE_LEAF;
}

static void tdp_mmu_zap_root(struct kvm *kvm, struct kvm_mmu_page *root, bool shared)
{
	struct tdp_iter iter;

	kvm_lockdep_assert_mmu_lock_held(kvm, shared);

	guard(rcu)();
	for_each_tdp_pte_min_level_all(iter, root, PG_LEVEL_4K) {
again:
		if (tdp_mmu_iter_cond_resched(kvm, &iter, false, shared) ||
		    !is_shadow_present_pte(iter.old_spte))
			continue;

		if (shared) {
			if (tdp_mmu_set_spte_atomic(kvm, &iter, SHADOW_NONPRESENT_VALUE))
				goto again;
		} else {
			tdp_mmu_iter_set_spte(kvm, &iter, SHADOW_NONPRESENT_VALUE);
		}
	}
}

static bool tdp_mmu_zap_leafs(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start,
			      gfn_t end, bool can_yield, bool flush)
{
	struct tdp_iter iter;

	lockdep_assert_held_write(&kvm->mmu_lock);

	guard(rcu)();
	for_each_tdp_pte_min_level(iter, kvm, root, PG_LEVEL_4K, start, end) {
		if (can_yield && tdp_mmu_iter_cond_resched(kvm, &iter, flush, false)) {
			flush = false;
			continue;
		}

		if (tdp_iter_at_leaf(&iter)) {
			tdp_mmu_iter_set_spte(kvm, &iter, SHADOW_NONPRESENT_VALUE);
			flush = true;
		}
	}

	return flush;
}

/* All of it, on both sides; the slot is about to go. */
bool kvm_tdp_mmu_zap_leafs(struct kvm *kvm, gfn_t start, gfn_t end, bool flush)
{
	struct kvm_mmu_page *root;

	for_each_valid_tdp_mmu_root_yield_safe(kvm, root, -1) {
		if (tdp_mmu_zap_leafs(kvm, root, start, end, true, flush))
			flush = true;
	}

	return flush;
}

bool kvm_tdp_mmu_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range, bool flush)
{
	enum kvm_tdp_mmu_root_types types = KVM_INVALID_ROOTS;
	gfn_t start = range->start, end = range->end;
	struct kvm_mmu_page *root;

	/* A root that is invalid, but not yet zapped, still maps the memory. */
	types |= kvm_gfn_range_filter_to_root_types(kvm, range->attr_filter);

	__for_each_tdp_mmu_root_yield_safe(kvm, root, range->slot->as_id, types) {
		flush = tdp_mmu_zap_leafs(kvm, root, start, end, range->may_block, flush);
	}

	return flush;
}

/* No vCPU loads these roots again; zapping them is for later. */
void kvm_tdp_mmu_invalidate_roots(struct kvm *kvm, enum kvm_tdp_mmu_root_types types)
{
	struct kvm_mmu_page *root;

	/* A VM without users or vCPUs is being torn down, unlocked. */
	if (IS_ENABLED(CONFIG_PROVE_LOCKING) && refcount_read(&kvm->users_count) &&
	    kvm->created_vcpus)
		lockdep_assert_held_write(&kvm->mmu_lock);

	list_for_each_entry(root, &kvm->arch.tdp_mmu_roots, link) {
		if (root->role.invalid || !tdp_mmu_root_match(root, types))
			continue;

		root->role.invalid = true;
		root->tdp_mmu_scheduled_root_to_zap = true;
	}
}

static void tdp_mmu_lock(struct kvm *kvm, bool shared)
{
	if (!shared)
		write_lock(&kvm->mmu_lock);
	else
		read_lock(&kvm->mmu_lock);
}

static void tdp_mmu_unlock(struct kvm *kvm, bool shared)
{
	if (!shared)
		write_unlock(&kvm->mmu_lock);
	else
		read_unlock(&kvm->mmu_lock);
}

void kvm_tdp_mmu_zap_invalidated_roots(struct kvm *kvm, bool shared)
{
	struct kvm_mmu_page *root;

	tdp_mmu_lock(kvm, shared);

	__for_each_tdp_mmu_root_yield_safe(kvm, root, -1, KVM_ALL_ROOTS) {
		if (!root->tdp_mmu_scheduled_root_to_zap)
			continue;

		root->tdp_mmu_scheduled_root_to_zap = false;
		tdp_mmu_zap_root(kvm, root, shared);

		/* The MMU's own reference, not the iterator's. */
		kvm_tdp_mmu_put_root(kvm, root);
	}

	tdp_mmu_unlock(kvm, shared);
}

void kvm_mmu_uninit_tdp_mmu(struct kvm *kvm)
{
	kvm_tdp_mmu_invalidate_roots(kvm, KVM_VALID_ROOTS);
	kvm_tdp_mmu_zap_invalidated_roots(kvm, false);
	WARN_ON(!list_empty(&kvm->arch.tdp_mmu_roots));
	rcu_barrier();
}

static int tdp_mmu_link_sp(struct kvm *kvm, struct tdp_iter *iter, struct kvm_mmu_page *sp,
			   bool shared)
{
	u64 spte = make_nonleaf_spte(sp->spt);

	if (shared)
		return tdp_mmu_set_spte_atomic(kvm, iter, spte);

	tdp_mmu_iter_set_spte(kvm, iter, spte);
	return 0;
}

/* Fill @sp with what the huge leaf maps, then hang it in. */
static int tdp_mmu_split_huge_page(struct kvm *kvm, struct tdp_iter *iter,
				   struct kvm_mmu_page *sp, bool shared)
{
	int i;

	for (i = 0; i < SPTE_ENT_PER_PAGE; i++)
		sp->spt[i] = make_small_spte(iter->old_spte, sp->role, i);

	return tdp_mmu_link_sp(kvm, iter, sp, shared);
}

static int tdp_mmu_map_leaf(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault,
			    struct tdp_iter *iter)
{
	struct kvm_mmu_page *sp = sptep_to_sp(rcu_dereference(iter->sptep));
	u64 new_spte = make_spte(sp, iter->gfn, fault->pfn, fault->map_writable);
	bool was_present = is_shadow_present_pte(iter->old_spte);

	/* What the S-EPT maps is mapped as well as it can be. */
	if (new_spte == iter->old_spte || (was_present && is_mirror_sp(sp)))
		return RET_PF_SPURIOUS;

	if (tdp_mmu_set_spte_atomic(vcpu->kvm, iter, new_spte))
		return RET_PF_RETRY;

	if (was_present)
		kvm_flush_remote_tlbs(vcpu->kvm);

	return RET_PF_FIXED;
}

/*
 * Map what the fault asked for.  A mirror root is never made coarser here, and none
 * of its leafs is split: the first is not allowed at all, the second not with
 * mmu_lock held for read.
 */
int kvm_tdp_mmu_map(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	struct kvm_mmu_page *root = tdp_mmu_get_root_for_fault(vcpu, fault);
	struct kvm *kvm = vcpu->kvm;
	struct kvm_mmu_page *sp;
	struct tdp_iter iter;
	int ret;

	KVM_MMU_WARN_ON(!root || root->role.invalid);

	kvm_mmu_hugepage_adjust(vcpu, fault);

	guard(rcu)();
	for_each_tdp_pte(iter, kvm, root, fault->gfn, fault->gfn + 1) {
		bool present = is_shadow_present_pte(iter.old_spte);
		bool large = present && is_large_pte(iter.old_spte);

		if (is_frozen_spte(iter.old_spte))
			return RET_PF_RETRY;

		if (iter.level == fault->goal_level) {
			if (!present || large || iter.level == PG_LEVEL_4K || !is_mirror_sp(root))
				return tdp_mmu_map_leaf(vcpu, fault, &iter);

			/* There is a table already; go for its entries. */
			fault->goal_level--;
			fault->pfn += fault->gfn & (KVM_PAGES_PER_HPAGE(iter.level) - 1) &
				      ~(KVM_PAGES_PER_HPAGE(fault->goal_level) - 1);
			continue;
		}

		if (present && !large)
			continue;

		if (large && is_mirror_sp(root))
			return RET_PF_SPURIOUS;

		sp = tdp_mmu_alloc_sp(vcpu, is_mirror_sp(root));
		tdp_mmu_init_child_sp(sp, &iter);

		ret = large ? tdp_mmu_split_huge_page(kvm, &iter, sp, true) :
			      tdp_mmu_link_sp(kvm, &iter, sp, true);
		if (ret) {
			tdp_mmu_free_unused_sp(sp);
			return RET_PF_RETRY;
		}
	}

	/* A frozen entry further up ended the walk. */
	return RET_PF_RETRY;
}

static bool tdp_mmu_wrprot_root(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start,
				gfn_t end, int min_level)
{
	struct tdp_iter iter;
	bool changed = false;

	guard(rcu)();
	for_each_tdp_pte_min_level(iter, kvm, root, min_level, start, end) {
again:
		if (tdp_mmu_iter_cond_resched(kvm, &iter, false, true))
			continue;

		if (!tdp_iter_at_leaf(&iter) || !(iter.old_spte & PT_WRITABLE_MASK))
			continue;

		if (tdp_mmu_set_spte_atomic(kvm, &iter, iter.old_spte & ~PT_WRITABLE_MASK))
			goto again;
		changed = true;
	}

	return changed;
}

/* Private memory is not logged, so mirror roots are left alone. */
bool kvm_tdp_mmu_wrprot_slot(struct kvm *kvm, const struct kvm_memory_slot *slot, int min_level)
{
	struct kvm_mmu_page *root;
	bool changed = false;

	lockdep_assert_held_read(&kvm->mmu_lock);

	__for_each_tdp_mmu_root_yield_safe(kvm, root, slot->as_id, KVM_DIRECT_ROOTS)
		changed |= tdp_mmu_wrprot_root(kvm, root, slot->base_gfn,
					       slot->base_gfn + slot->npages, min_level);

	return changed;
}

static struct kvm_mmu_page *__tdp_mmu_alloc_sp_for_split(bool mirror)
{
	struct kvm_mmu_page *sp;

	sp = kzalloc(sizeof(*sp), GFP_KERNEL_ACCOUNT);
	if (!sp)
		return NULL;

	sp->spt = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!sp->spt)
		goto err_header;

	if (mirror) {
		sp->external_spt = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
		if (!sp->external_spt)
			goto err_table;
	}

	return sp;

err_table:
	free_page((unsigned long)sp->spt);
err_header:
	kfree(sp);
	return NULL;
}

/* Getting memory may sleep, so let go of mmu_lock and take it back the same way. */
static struct kvm_mmu_page *tdp_mmu_alloc_sp_for_split(struct kvm *kvm, struct tdp_iter *iter,
						       bool mirror, bool shared)
{
	struct kvm_mmu_page *sp;

	iter->yielded = true;
	rcu_read_unlock();

	if (shared) {
		read_unlock(&kvm->mmu_lock);
		sp = __tdp_mmu_alloc_sp_for_split(mirror);
		read_lock(&kvm->mmu_lock);
	} else {
		write_unlock(&kvm->mmu_lock);
		sp = __tdp_mmu_alloc_sp_for_split(mirror);
		write_lock(&kvm->mmu_lock);
	}

	rcu_read_lock();
	return sp;
}

static bool tdp_mmu_need_external_cache(struct kvm *kvm, struct kvm_mmu_page *root)
{
	return is_mirror_sp(root) && kvm_x86_ops.need_external_cache &&
	       kvm_x86_call(need_external_cache)(kvm);
}

/* Mirror roots are split with mmu_lock held for write only, and so it is dropped. */
static int tdp_mmu_topup_external_cache(struct kvm *kvm, struct tdp_iter *iter)
{
	int ret;

	iter->yielded = true;
	rcu_read_unlock();
	write_unlock(&kvm->mmu_lock);
	ret = kvm_x86_call(topup_external_cache)(kvm);
	write_lock(&kvm->mmu_lock);
	rcu_read_lock();

	return ret;
}

static int tdp_mmu_split_huge_pages_root(struct kvm *kvm, struct kvm_mmu_page *root,
					 gfn_t start, gfn_t end, int target_level, bool shared)
{
	struct kvm_mmu_page *sp = NULL;
	struct tdp_iter iter;
	int ret = 0;

	kvm_lockdep_assert_mmu_lock_held(kvm, shared);

	/* The S-EPT cannot be split while others install into it. */
	if (KVM_BUG_ON(shared && is_mirror_sp(root), kvm))
		return -EIO;

	rcu_read_lock();
	for_each_tdp_pte_min_level(iter, kvm, root, target_level + 1, start, end) {
again:
		if (tdp_mmu_iter_cond_resched(kvm, &iter, false, shared) ||
		    !tdp_iter_at_leaf(&iter))
			continue;

		if (!sp) {
			sp = tdp_mmu_alloc_sp_for_split(kvm, &iter, is_mirror_sp(root), shared);
			if (!sp) {
				ret = -ENOMEM;
				break;
			}
			continue;
		}

		/* The entry may have gone meanwhile, and so may the pages. */
		if (tdp_mmu_need_external_cache(kvm, root)) {
			ret = tdp_mmu_topup_external_cache(kvm, &iter);
			if (ret)
				break;
			continue;
		}

		tdp_mmu_init_child_sp(sp, &iter);
		if (tdp_mmu_split_huge_page(kvm, &iter, sp, shared))
			goto again;
		sp = NULL;
	}
	rcu_read_unlock();

	if (sp)
		tdp_mmu_free_unused_sp(sp);

	return ret;
}

/*
 * Make room for logging dirty pages one by one.  Whatever stays huge is split when
 * the guest writes to it, so nobody has to know whether this worked.
 */
void kvm_tdp_mmu_try_split_huge_pages(struct kvm *kvm, const struct kvm_memory_slot *slot,
				      gfn_t start, gfn_t end, int target_level, bool shared)
{
	struct kvm_mmu_page *root;

	kvm_lockdep_assert_mmu_lock_held(kvm, shared);

	__for_each_tdp_mmu_root_yield_safe(kvm, root, slot->as_id, KVM_DIRECT_ROOTS) {
		if (tdp_mmu_split_huge_pages_root(kvm, root, start, end, target_level, shared)) {
			kvm_tdp_mmu_put_root(kvm, root);
			break;
		}
	}
}

/* Split the private huge page around @gfn, if there is one. */
int kvm_tdp_mmu_split_mirror_leaf(struct kvm *kvm, gfn_t gfn)
{
	gfn_t start = kvm_gfn_round_for_level(gfn, PG_LEVEL_2M);
	struct kvm_mmu_page *root;
	int ret;

	lockdep_assert_held_write(&kvm->mmu_lock);

	__for_each_tdp_mmu_root_yield_safe(kvm, root, -1, KVM_MIRROR_ROOTS) {
		ret = tdp_mmu_split_huge_pages_root(kvm, root, start,
						    start + KVM_PAGES_PER_HPAGE(PG_LEVEL_2M),
						    PG_LEVEL_4K, false);
		if (ret) {
			kvm_tdp_mmu_put_root(kvm, root);
			return ret;
		}
	}

	return 0;
}

/* Afterwards no private huge page lies across an end of [start, end). */
int kvm_tdp_mmu_split_mirror_edges(struct kvm *kvm, gfn_t start, gfn_t end)
{
	int ret = 0;

	lockdep_assert_held_write(&kvm->mmu_lock);

	if (!IS_ALIGNED(start, KVM_PAGES_PER_HPAGE(PG_LEVEL_2M)))
		ret = kvm_tdp_mmu_split_mirror_leaf(kvm, start);
	if (!ret && !IS_ALIGNED(end, KVM_PAGES_PER_HPAGE(PG_LEVEL_2M)))
		ret = kvm_tdp_mmu_split_mirror_leaf(kvm, end);

	return ret;
}
