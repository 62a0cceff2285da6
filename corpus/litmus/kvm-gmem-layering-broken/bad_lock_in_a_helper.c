// litmus: a helper takes mmu_lock for its caller, which does not invalidate
// path: virt/kvm/guest_memfd.c
static void kvm_gmem_lock(struct kvm *kvm, bool shared)
{
	if (shared)
		read_lock(&kvm->mmu_lock);
	else
		write_lock(&kvm->mmu_lock);
}

static void kvm_gmem_unlock(struct kvm *kvm, bool shared)
{
	if (shared)
		read_unlock(&kvm->mmu_lock);
	else
		write_unlock(&kvm->mmu_lock);
}

static void kvm_gmem_begin(struct kvm *kvm, gfn_t start, gfn_t end)
{
	kvm_gmem_lock(kvm, false);	// expect: kvm-gmem-layering-broken
	kvm->gmem_generation++;
	kvm_gmem_unlock(kvm, false);
}
