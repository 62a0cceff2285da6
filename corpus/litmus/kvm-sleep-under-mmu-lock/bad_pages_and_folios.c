// What works on whole mappings, folios or vmalloc memory takes sleeping locks or waits.
// path: arch/x86/kvm/mmu/mmu.c
void mmu_drop(struct kvm *kvm, struct inode *inode)
{
	write_lock(&kvm->mmu_lock);
	truncate_inode_pages_range(inode->i_mapping, 0, 4095); // expect: kvm-sleep-under-mmu-lock
	write_unlock(&kvm->mmu_lock);
}

void mmu_split(struct kvm *kvm, struct folio *folio)
{
	guard(write_lock)(&kvm->mmu_lock);
	if (split_folio(folio)) // expect: kvm-sleep-under-mmu-lock
		kvm->failed = true;
}

void mmu_free(struct kvm *kvm, void *bitmap)
{
	read_lock(&kvm->mmu_lock);
	kvfree(bitmap); // expect: kvm-sleep-under-mmu-lock
	read_unlock(&kvm->mmu_lock);
}
