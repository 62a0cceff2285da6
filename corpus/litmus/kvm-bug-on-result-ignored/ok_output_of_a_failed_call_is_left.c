// path: arch/x86/kvm/mmu/mmu.c
void mmu_take(struct kvm *kvm, gfn_t gfn)
{
	struct mmu_entry *entry;
	int r;

	r = mmu_find(kvm, gfn, &entry);
	KVM_BUG_ON(r, kvm);
	if (!r)
		entry->used = true;
}
