// The same before or after the lock is held; what frees slab memory does not sleep.
// path: arch/x86/kvm/mmu/mmu.c
void mmu_drop(struct kvm *kvm, struct inode *inode, struct folio *folio, void *bitmap, void *small)
{
	if (split_folio(folio))
		return;

	write_lock(&kvm->mmu_lock);
	kvm->dropped = true;
	kfree(small);
	write_unlock(&kvm->mmu_lock);

	truncate_inode_pages_range(inode->i_mapping, 0, 4095);
	kvfree(bitmap);
}
