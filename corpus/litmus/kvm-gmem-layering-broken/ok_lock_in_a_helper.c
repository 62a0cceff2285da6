// litmus: a helper takes mmu_lock for its caller, which invalidates
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
	kvm_gmem_lock(kvm, false);
	kvm_mmu_invalidate_start(kvm);
	kvm_mmu_invalidate_range_add(kvm, start, end);
	kvm_gmem_visit(kvm, start);
	kvm_mmu_invalidate_end(kvm);
	kvm_gmem_unlock(kvm, false);
}
