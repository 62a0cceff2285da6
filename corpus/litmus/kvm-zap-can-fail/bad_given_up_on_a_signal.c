// litmus: a zap of several slots gives up between two of them
// path: arch/x86/kvm/mmu/mmu.c
static int kvm_zap_gfn_slots(struct kvm *kvm, struct kvm_memory_slot **slots, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (fatal_signal_pending(current))
			return -EINTR;	// expect: kvm-zap-can-fail
		kvm_tdp_mmu_zap_leafs(kvm, slots[i]->base_gfn, slots[i]->base_gfn + slots[i]->npages, true);
	}
	return 0;
}
