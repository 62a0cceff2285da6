// litmus: a full list is only counted, and its address taken
// path: arch/x86/kvm/vmx/vmx.c
struct msr_slot *new_slot(struct kvm *kvm, struct msr_list *list, u32 msr)
{
	struct msr_slot *slot = &list->spare;

	if (!KVM_BUG_ON(list->nr == MAX_SLOTS, kvm))
		slot = &list->slots[list->nr++];
	else
		list->lost++;
	slot->msr = msr;
	return slot;
}
