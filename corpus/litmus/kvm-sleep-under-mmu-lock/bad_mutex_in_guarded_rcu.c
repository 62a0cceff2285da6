// litmus: a mutex inside an RCU read section that a guard holds
// path: arch/x86/kvm/mmu/tdp_mmu.c
void roots_count(struct kvm *kvm)
{
	guard(rcu)();
	mutex_lock(&kvm->slots_lock);	// expect: kvm-sleep-under-mmu-lock
	kvm->count++;
	mutex_unlock(&kvm->slots_lock);
}
