/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINIKVM_MMU_INTERNAL_H
#define MINIKVM_MMU_INTERNAL_H

#include <linux/kvm_host.h>

#include "../mmu.h"

#ifdef CONFIG_KVM_PROVE_MMU
#define KVM_MMU_WARN_ON(cond)	WARN_ON_ONCE(cond)
#else
#define KVM_MMU_WARN_ON(cond)	((void)sizeof(!(cond)))
#endif

#define SPTE_ENT_PER_PAGE	512
#define PT64_ROOT_4LEVEL	4

typedef u64 __rcu *tdp_ptep_t;

/* One page of a page table, and what KVM has to know about it. */
struct kvm_mmu_page {
	struct list_head link;
	union kvm_mmu_page_role role;
	gfn_t gfn;
	u64 *spt;

	/* The S-EPT page that a mirror table stands for, else NULL. */
	void *external_spt;

	refcount_t tdp_mmu_root_count;
	tdp_ptep_t ptep;
	bool tdp_mmu_scheduled_root_to_zap;
	struct rcu_head rcu_head;
};

struct kvm_page_fault {
	const gpa_t addr;
	const bool write;
	const bool exec;
	const bool is_private;

	gfn_t gfn;
	struct kvm_memory_slot *slot;

	/* What the backend found. */
	kvm_pfn_t pfn;
	struct page *refcounted_page;
	bool map_writable;
	unsigned long mmu_seq;

	u8 max_level;
	u8 req_level;
	u8 goal_level;
};

/* A negative errno is as good an answer as any of these. */
enum {
	RET_PF_CONTINUE = 0,
	RET_PF_RETRY,
	RET_PF_FIXED,
	RET_PF_SPURIOUS,
};

static inline bool is_mirror_sp(const struct kvm_mmu_page *sp)
{
	return sp->role.is_mirror;
}

static inline int kvm_mmu_page_as_id(const struct kvm_mmu_page *sp)
{
	return sp->role.smm;
}

static inline gfn_t kvm_gfn_round_for_level(gfn_t gfn, int level)
{
	return ALIGN_DOWN(gfn, KVM_PAGES_PER_HPAGE(level));
}

/* A bit of disallow_lpage of its own; the ones below count other reasons. */
#define KVM_LPAGE_GUEST_INHIBIT	BIT(30)

static inline struct kvm_lpage_info *lpage_info_slot(gfn_t gfn,
						     const struct kvm_memory_slot *slot,
						     int level)
{
	unsigned long idx = (gfn >> KVM_HPAGE_GFN_SHIFT(level)) -
			    (slot->base_gfn >> KVM_HPAGE_GFN_SHIFT(level));

	return &slot->arch.lpage_info[level - PG_LEVEL_2M][idx];
}

void kvm_mmu_hugepage_adjust(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault);

#endif /* MINIKVM_MMU_INTERNAL_H */
