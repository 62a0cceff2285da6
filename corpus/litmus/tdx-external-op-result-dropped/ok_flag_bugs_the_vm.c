// litmus: results are ORed into a flag that bugs the VM at the end
// path: arch/x86/kvm/mmu/tdp_mmu.c
void install_mirror_pair(struct kvm *kvm, gfn_t gfn, u64 first, u64 second)
{
	int failed = 0;

	read_lock(&kvm->mmu_lock);
	failed |= kvm_x86_call(set_external_spte)(kvm, gfn, SHADOW_NONPRESENT_VALUE, first, PG_LEVEL_4K);
	failed |= kvm_x86_call(set_external_spte)(kvm, gfn + 1, SHADOW_NONPRESENT_VALUE, second, PG_LEVEL_4K);
	KVM_BUG_ON(failed, kvm);
	note_change(kvm, gfn);
	read_unlock(&kvm->mmu_lock);
}

void install_mirror_table(struct kvm *kvm, gfn_t gfn, const u64 *sptes)
{
	int i;

	for (i = 0; i < SPTE_ENT_PER_PAGE; i += 2)
		install_mirror_pair(kvm, gfn + i, sptes[i], sptes[i + 1]);
}
