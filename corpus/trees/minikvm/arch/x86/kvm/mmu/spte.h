/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINIKVM_SPTE_H
#define MINIKVM_SPTE_H

#include "mmu_internal.h"

#define PT_WRITABLE_MASK	BIT_ULL(1)
#define PT_PAGE_SIZE_MASK	BIT_ULL(7)
#define SPTE_MMU_PRESENT_MASK	BIT_ULL(11)
#define SPTE_MMIO_MASK		BIT_ULL(10)
#define SPTE_BASE_ADDR_MASK	GENMASK_ULL(51, PAGE_SHIFT)

/* Bit 63 keeps a violation of an empty entry from reaching the guest. */
#define SHADOW_NONPRESENT_VALUE	BIT_ULL(63)

/*
 * "Hands off": whoever wrote it is about to write something else.  Not present,
 * and never the value of an entry that nobody works on.
 */
#define FROZEN_SPTE		(SHADOW_NONPRESENT_VALUE | 0x5a0ULL)

static inline bool is_frozen_spte(u64 spte)
{
	return spte == FROZEN_SPTE;
}

static inline bool is_shadow_present_pte(u64 spte)
{
	return spte & SPTE_MMU_PRESENT_MASK;
}

static inline bool is_large_pte(u64 spte)
{
	return spte & PT_PAGE_SIZE_MASK;
}

static inline bool is_last_spte(u64 spte, int level)
{
	return level == PG_LEVEL_4K || is_large_pte(spte);
}

static inline kvm_pfn_t spte_to_pfn(u64 spte)
{
	return (spte & SPTE_BASE_ADDR_MASK) >> PAGE_SHIFT;
}

/* Page tables are KVM's own pages, which remember their descriptor. */
static inline struct kvm_mmu_page *to_shadow_page(hpa_t table)
{
	return (struct kvm_mmu_page *)page_private(phys_to_page(table));
}

static inline struct kvm_mmu_page *spte_to_child_sp(u64 spte)
{
	return to_shadow_page(spte & SPTE_BASE_ADDR_MASK);
}

static inline struct kvm_mmu_page *sptep_to_sp(u64 *sptep)
{
	return to_shadow_page(ALIGN_DOWN(__pa(sptep), PAGE_SIZE));
}

static inline struct kvm_mmu_page *root_to_sp(hpa_t root)
{
	return root == INVALID_PAGE ? NULL : to_shadow_page(root);
}

static inline bool is_mirror_sptep(tdp_ptep_t sptep)
{
	return is_mirror_sp(sptep_to_sp(rcu_dereference(sptep)));
}

u64 make_spte(struct kvm_mmu_page *sp, gfn_t gfn, kvm_pfn_t pfn, bool writable);
u64 make_nonleaf_spte(u64 *child_pt);
u64 make_small_spte(u64 huge_spte, union kvm_mmu_page_role role, int index);

#endif /* MINIKVM_SPTE_H */
