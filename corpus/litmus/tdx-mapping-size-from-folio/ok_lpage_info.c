// litmus: the level is lowered by lpage_info and by the hook, then compared with the goal
// path: arch/x86/kvm/mmu/mmu.c
int private_max_level(struct kvm *kvm, struct kvm_page_fault *fault)
{
	int level = min(fault->max_level, max_huge_page_level);
	int limit;

	while (level > PG_LEVEL_4K && lpage_info_slot(fault->gfn, fault->slot, level)->disallow_lpage)
		level--;

	limit = kvm_x86_call(gmem_max_mapping_level)(kvm, fault->pfn, fault->is_private);
	if (limit && limit < level)
		level = limit;

	if (fault->goal_level > level)
		fault->goal_level = level;
	return level;
}
