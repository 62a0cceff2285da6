// SPDX-License-Identifier: GPL-2.0-or-later
/* How entries of the TDP page tables are put together. */
#include "spte.h"

/*
 * Device memory needs another memory type than RAM.  Only frames that the host
 * describes can be told apart by their description.
 */
static bool __kvm_is_mmio_pfn(kvm_pfn_t pfn)
{
	if (pfn_valid(pfn))
		return !is_zero_pfn(pfn) && PageReserved(pfn_to_page(pfn));

	return true;
}

u64 make_spte(struct kvm_mmu_page *sp, gfn_t gfn, kvm_pfn_t pfn, bool writable)
{
	int level = sp->role.level;
	u64 spte = SPTE_MMU_PRESENT_MASK | sp->role.access;

	KVM_MMU_WARN_ON(!IS_ALIGNED(pfn, KVM_PAGES_PER_HPAGE(level)));

	if (level > PG_LEVEL_4K)
		spte |= PT_PAGE_SIZE_MASK;
	if (writable)
		spte |= PT_WRITABLE_MASK;
	if (!is_mirror_sp(sp) && __kvm_is_mmio_pfn(pfn))
		spte |= SPTE_MMIO_MASK;

	return spte | PFN_PHYS(pfn);
}

u64 make_nonleaf_spte(u64 *child_pt)
{
	return SPTE_MMU_PRESENT_MASK | PT_WRITABLE_MASK | __pa(child_pt);
}

/* Entry @index of the table that replaces @huge_spte. */
u64 make_small_spte(u64 huge_spte, union kvm_mmu_page_role role, int index)
{
	u64 spte = huge_spte + PFN_PHYS(index * KVM_PAGES_PER_HPAGE(role.level));

	return role.level == PG_LEVEL_4K ? spte & ~PT_PAGE_SIZE_MASK : spte;
}
