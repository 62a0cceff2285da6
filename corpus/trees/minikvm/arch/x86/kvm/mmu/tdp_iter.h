/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINIKVM_TDP_ITER_H
#define MINIKVM_TDP_ITER_H

#include "spte.h"

/* Plain stores: nobody else may change the entry meanwhile. */
static inline u64 kvm_tdp_mmu_read_spte(tdp_ptep_t sptep)
{
	return READ_ONCE(*rcu_dereference(sptep));
}

static inline void __kvm_tdp_mmu_write_spte(tdp_ptep_t sptep, u64 new_spte)
{
	WRITE_ONCE(*rcu_dereference(sptep), new_spte);
}

static inline u64 kvm_tdp_mmu_write_spte_atomic(tdp_ptep_t sptep, u64 new_spte)
{
	return xchg(rcu_dereference(sptep), new_spte);
}

/* A walk in pre-order, that can stop in between and go on from the top. */
struct tdp_iter {
	gfn_t next_last_level_gfn;
	gfn_t yielded_gfn;
	tdp_ptep_t pt_path[PT64_ROOT_4LEVEL];
	tdp_ptep_t sptep;
	gfn_t gfn;
	int root_level;
	int min_level;
	int level;
	u64 old_spte;
	bool valid;
	bool yielded;
};

void tdp_iter_start(struct tdp_iter *iter, struct kvm_mmu_page *root, int min_level, gfn_t first);
void tdp_iter_next(struct tdp_iter *iter);
void tdp_iter_restart(struct tdp_iter *iter);

#define for_each_tdp_pte_min_level(iter, kvm, root, min_level, start, end)	\
	for (tdp_iter_start(&iter, root, min_level, start);			\
	     iter.valid && iter.gfn < (end);					\
	     tdp_iter_next(&iter))

#define for_each_tdp_pte_min_level_all(iter, root, min_level)			\
	for (tdp_iter_start(&iter, root, min_level, 0);				\
	     iter.valid;							\
	     tdp_iter_next(&iter))

#define for_each_tdp_pte(iter, kvm, root, start, end) \
	for_each_tdp_pte_min_level(iter, kvm, root, PG_LEVEL_4K, start, end)

#endif /* MINIKVM_TDP_ITER_H */
