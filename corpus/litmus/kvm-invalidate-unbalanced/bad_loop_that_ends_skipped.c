// litmus: an error path jumps over the loop that ends it
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

static void gmem_file_end(struct gmem_file *f, pgoff_t start, pgoff_t end)
{
	struct kvm *kvm = f->kvm;

	if (xa_find(&f->bindings, &start, end - 1, XA_PRESENT)) {
		KVM_MMU_LOCK(kvm);
		kvm_mmu_invalidate_end(kvm);
		KVM_MMU_UNLOCK(kvm);
	}
}

static long gmem_punch(struct inode *inode, pgoff_t start, pgoff_t end)
{
	struct gmem_file *f;
	long ret;

	filemap_invalidate_lock(inode->i_mapping);
	kvm_gmem_for_each_file(f, inode)
		gmem_file_start(f, start, end);
	ret = gmem_drop_folios(inode, start, end);
	if (ret)
		goto unlock;
	kvm_gmem_for_each_file(f, inode)
		gmem_file_end(f, start, end);
unlock:
	filemap_invalidate_unlock(inode->i_mapping);
	return ret;	// expect: kvm-invalidate-unbalanced
}
