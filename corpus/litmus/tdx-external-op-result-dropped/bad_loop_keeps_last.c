// litmus: a loop overwrites the result each turn, only the last one is looked at
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int push_table(struct kvm *kvm, gfn_t gfn, const u64 *sptes)
{
	int i, ret = 0;

	for (i = 0; i < SPTE_ENT_PER_PAGE; i++)
		ret = kvm_x86_call(set_external_spte)(kvm, gfn + i, SHADOW_NONPRESENT_VALUE, sptes[i], PG_LEVEL_4K);	// expect: tdx-external-op-result-dropped

	return ret;
}

int install_mirror_table(struct kvm *kvm, gfn_t gfn, const u64 *sptes)
{
	guard(read_lock)(&kvm->mmu_lock);
	return push_table(kvm, gfn, sptes);
}
