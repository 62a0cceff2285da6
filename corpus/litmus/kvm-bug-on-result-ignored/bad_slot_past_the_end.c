// litmus: the list is full, and the next slot is written all the same
// path: arch/x86/kvm/vmx/vmx.c
struct msr_slot *new_slot(struct kvm *kvm, struct msr_list *list, u32 msr)
{
	struct msr_slot *slot;

	KVM_BUG_ON(list->nr == MAX_SLOTS, kvm);

	slot = &list->slots[list->nr++];
	slot->msr = msr;	// expect: kvm-bug-on-result-ignored
	return slot;
}
