// litmus: nothing ends what a helper begins for each file
// path: virt/kvm/guest_memfd.c
static void gmem_file_start(struct gmem_file *f, pgoff_t start, pgoff_t end)
{
	struct kvm_memory_slot *slot;
	struct kvm *kvm = f->kvm;
	bool found = false;
	unsigned long index;

	xa_for_each_range(&f->bindings, index, slot, start, end - 1) {
		struct kvm_gfn_range range = { .start = start, .end = end, .slot = slot };

		if (!found) {
			found = true;
			KVM_MMU_LOCK(kvm);
			kvm_mmu_invalidate_start(kvm);
		}
		kvm_mmu_unmap_gfn_range(kvm, &range);
	}
	if (found)
		KVM_MMU_UNLOCK(kvm);
}

static void gmem_start(struct inode *inode, pgoff_t start, pgoff_t end)
{
	struct gmem_file *f;

	kvm_gmem_for_each_file(f, inode)
		gmem_file_start(f, start, end);
}

static long gmem_punch(struct inode *inode, pgoff_t start, pgoff_t end)
{
	long ret;

	filemap_invalidate_lock(inode->i_mapping);
	gmem_start(inode, start, end);  // expect: kvm-invalidate-unbalanced
	ret = gmem_drop_folios(inode, start, end);
	filemap_invalidate_unlock(inode->i_mapping);
	return ret;
}
