// litmus: SRCU readers may sleep
// path: arch/x86/kvm/mmu/tdp_mmu.c
void roots_count(struct kvm *kvm)
{
	guard(srcu)(&kvm->srcu);
	mutex_lock(&kvm->slots_lock);
	kvm->count++;
	mutex_unlock(&kvm->slots_lock);
}
