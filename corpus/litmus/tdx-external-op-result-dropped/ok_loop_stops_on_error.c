// litmus: a loop leaves on the first result that is not zero
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int push_table(struct kvm *kvm, gfn_t gfn, const u64 *sptes)
{
	int i, ret = 0;

	for (i = 0; i < SPTE_ENT_PER_PAGE && !ret; i++)
		ret = kvm_x86_call(set_external_spte)(kvm, gfn + i, SHADOW_NONPRESENT_VALUE, sptes[i], PG_LEVEL_4K);

	return ret;
}

int install_mirror_table(struct kvm *kvm, gfn_t gfn, const u64 *sptes)
{
	guard(read_lock)(&kvm->mmu_lock);
	return push_table(kvm, gfn, sptes);
}
