// litmus: a zap of several slots is refused before the first of them
// path: arch/x86/kvm/mmu/mmu.c
static int kvm_zap_gfn_slots(struct kvm *kvm, struct kvm_memory_slot **slots, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (!slots[i]->npages)
			return -EINVAL;
	}
	for (i = 0; i < nr; i++)
		kvm_tdp_mmu_zap_leafs(kvm, slots[i]->base_gfn, slots[i]->base_gfn + slots[i]->npages, true);
	return kvm->vm_dead ? -EIO : 0;
}
