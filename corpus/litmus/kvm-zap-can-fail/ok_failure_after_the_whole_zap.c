// What fails comes after all of the range is gone.
// path: arch/x86/kvm/mmu/mmu.c
int kvm_split_gfns(struct kvm *kvm, struct kvm_gfn_range *range)
{
	if (!kvm->split_cache)
		return -ENOMEM;
	return 0;
}
// path: virt/kvm/guest_memfd.c

int kvm_gmem_drop(struct gmem_file *f, struct kvm_gfn_range *range)
{
	int r;

	kvm_mmu_unmap_gfn_range(f->kvm, range);
	r = kvm_split_gfns(f->kvm, range);
	if (r)
		return r;
	return 0;
}
