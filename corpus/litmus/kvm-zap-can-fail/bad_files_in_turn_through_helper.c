// Each file splits and zaps in a helper; the loop over files gives up at the first error.
// path: arch/x86/kvm/mmu/mmu.c
int kvm_split_gfns(struct kvm *kvm, struct kvm_gfn_range *range)
{
	if (!kvm->split_cache)
		return -ENOMEM;
	return 0;
}
// path: virt/kvm/guest_memfd.c

static int kvm_gmem_take_one(struct gmem_file *f, struct kvm_gfn_range *range)
{
	int r = kvm_split_gfns(f->kvm, range);

	if (r)
		return r;
	kvm_mmu_unmap_gfn_range(f->kvm, range);
	return 0;
}

int kvm_gmem_take_all(struct inode *inode, struct kvm_gfn_range *range)
{
	struct gmem_file *f;
	int r;

	list_for_each_entry(f, &inode->files, entry) {
		r = kvm_gmem_take_one(f, range);  // expect: kvm-zap-can-fail "after part of the range was zapped"
		if (r)
			return r;
	}
	return 0;
}
