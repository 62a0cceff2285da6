// litmus: mmu_lock is taken to walk mappings
// path: virt/kvm/guest_memfd.c
static void kvm_gmem_age(struct kvm *kvm, gfn_t start)
{
	guard(write_lock)(&kvm->mmu_lock);	// expect: kvm-gmem-layering-broken
	kvm_gmem_visit(kvm, start);
}
