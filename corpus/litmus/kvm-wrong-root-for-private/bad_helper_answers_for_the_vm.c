// litmus: whether huge pages of a root are recovered hangs on the VM, in a helper that says no
// path: arch/x86/kvm/mmu/tdp_mmu.c
static bool tdp_mmu_can_recover(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	if (kvm_has_mirrored_tdp(kvm))
		return false;

	return !slot->dirty_bitmap;
}

static void recover_huge_pages_range(struct kvm *kvm, struct kvm_mmu_page *root, const struct kvm_memory_slot *slot)
{
	struct tdp_iter iter;

	if (!tdp_mmu_can_recover(kvm, slot))	// expect: kvm-wrong-root-for-private
		return;

	guard(rcu)();
	for_each_tdp_pte_min_level(iter, kvm, root, PG_LEVEL_2M, slot->base_gfn, slot->base_gfn + slot->npages)
		tdp_mmu_make_huge(kvm, slot, &iter);
}
