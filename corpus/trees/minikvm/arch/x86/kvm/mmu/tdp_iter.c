// SPDX-License-Identifier: GPL-2.0-or-later
/* Walking TDP page tables. */
#include "tdp_iter.h"

static void tdp_iter_point_at(struct tdp_iter *iter, gfn_t gfn)
{
	unsigned long index = (gfn >> KVM_HPAGE_GFN_SHIFT(iter->level)) % SPTE_ENT_PER_PAGE;

	iter->gfn = kvm_gfn_round_for_level(gfn, iter->level);
	iter->sptep = iter->pt_path[iter->level - 1] + index;
	iter->old_spte = kvm_tdp_mmu_read_spte(iter->sptep);
}

void tdp_iter_restart(struct tdp_iter *iter)
{
	iter->level = iter->root_level;
	iter->yielded_gfn = iter->next_last_level_gfn;
	iter->yielded = false;
	tdp_iter_point_at(iter, iter->next_last_level_gfn);
	iter->valid = true;
}

void tdp_iter_start(struct tdp_iter *iter, struct kvm_mmu_page *root, int min_level, gfn_t first)
{
	if (WARN_ON_ONCE(!root || root->role.level < min_level)) {
		iter->valid = false;
		return;
	}

	iter->next_last_level_gfn = first;
	iter->root_level = root->role.level;
	iter->min_level = min_level;
	iter->pt_path[iter->root_level - 1] = root->spt;
	tdp_iter_restart(iter);
}

static bool tdp_iter_down(struct tdp_iter *iter)
{
	if (iter->level == iter->min_level)
		return false;

	/* The entry may have changed since it was read. */
	iter->old_spte = kvm_tdp_mmu_read_spte(iter->sptep);
	if (!is_shadow_present_pte(iter->old_spte) || is_last_spte(iter->old_spte, iter->level))
		return false;

	iter->level--;
	iter->pt_path[iter->level - 1] = spte_to_child_sp(iter->old_spte)->spt;
	tdp_iter_point_at(iter, max(iter->gfn, iter->next_last_level_gfn));
	return true;
}

static bool tdp_iter_sideways(struct tdp_iter *iter)
{
	gfn_t next = iter->gfn + KVM_PAGES_PER_HPAGE(iter->level);

	if (!((next >> KVM_HPAGE_GFN_SHIFT(iter->level)) % SPTE_ENT_PER_PAGE))
		return false;

	iter->next_last_level_gfn = next;
	tdp_iter_point_at(iter, next);
	return true;
}

void tdp_iter_next(struct tdp_iter *iter)
{
	if (iter->yielded)
		return tdp_iter_restart(iter);

	if (tdp_iter_down(iter))
		return;

	do {
		if (tdp_iter_sideways(iter))
			return;
		if (iter->level < iter->root_level) {
			iter->level++;
			tdp_iter_point_at(iter, iter->gfn);
			continue;
		}
		iter->valid = false;
	} while (iter->valid);
}
