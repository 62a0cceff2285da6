// A failure is remembered; the zap goes on to the end.
// path: arch/x86/kvm/mmu/mmu.c
int kvm_split_gfns(struct kvm *kvm, struct kvm_gfn_range *range)
{
	if (!kvm->split_cache)
		return -ENOMEM;
	return 0;
}
// path: virt/kvm/guest_memfd.c

int kvm_gmem_take_all(struct gmem_file *files, struct kvm_gfn_range *range)
{
	struct gmem_file *f;
	int r, first = 0;

	list_for_each_entry(f, &files->list, entry) {
		kvm_mmu_unmap_gfn_range(f->kvm, range);
		r = kvm_note(f->kvm, range);
		if (r && !first)
			first = r;
	}
	return first;
}
